-- start: between fetch and running, for jobs whose class asks for it.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 time (RFC 3339), 4 time (epoch ms), then per job:
--      token, jid, class, "ask" | "once" (at most once: its entry is marked `started`) |
--      "again" (it runs already; Redis lost data: its locks are taken anew),
--      most that may run at once or "", text a unique job is known by or "", how long such a lock lasts
--      while the job waits (ms), "1" where overlaps of scheduled jobs are counted or "",
--      payload to park ("": as in the entry), audit line ("": no run record),
--      "RUN PART INTERRUPTIONS RECOVERIES RETRY NEEDED" of a job with a position or "" (PART 0: an undivided run;
--      NEEDED 1: it does not go where that cannot be read),
--      n, then n field value pairs of the record
-- answers UNKNOWN, or STARTED, then per job
--      go | stale | parked | paused | cancelled | duplicate JID | error WORDS (a key of another type in the way;
--      the others of the batch are answered all the same). A repeat with the same token answers the same
--      (but for `parked` and `paused`: that token is gone, so it is stale). Behind the go of a job with a
--      position stand lines of its record, each "NAME VALUE": see tell_position.
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, out, i = ARGV[2], {'STARTED'}, 5

-- include: holder
-- include: position

-- The jid that stands in the way of a unique job, or nil.
local function other_holder(key, jid, me)
  local held = redis.call('GET', key)
  if not held then return nil end
  local other, holder = string.match(held, '^(%S+) ?(.*)$')
  if holder == me or (other == jid and holder == '') then return nil end
  if holder == '' or holder_lives(holder) then return other end
  return nil                              -- whoever held it is gone without a word
end

-- A job that was unparked has its place kept for it while it waits in its queue again; no other takes it.
local function is_full(job, payload)
  local running, unparked = prefix .. 'drover:running:' .. job.class, prefix .. 'drover:unparked:' .. job.class
  local time = redis.call('TIME')
  redis.call('ZREMRANGEBYSCORE', unparked, '-inf', time[1] .. '000')
  if redis.call('ZCARD', unparked) > 0 then job.again_parked = redis.call('ZREM', unparked, redis.sha1hex(payload)) == 1 end
  local function full() return redis.call('SCARD', running) + redis.call('ZCARD', unparked) >= job.limit end
  if not full() then return false end
  for _, holder in ipairs(redis.call('SMEMBERS', running)) do
    if not holder_lives(holder) then redis.call('SREM', running, holder) end
  end
  return full()
end

local function parts(entry)
  local _, e, n = string.find(entry, '^%a+ %d+ %S+ (%d+) ')
  local _, q, m = string.find(entry, '^ (%d+) ', e + n + 1)
  return {worker = string.sub(entry, e + 1, e + n), queue = string.sub(entry, q + 1, q + m),
    payload = string.sub(entry, q + m + 2)}
end

local function park(token, entry, job)
  local payload = job.payload ~= '' and job.payload or entry.payload
  redis.call(job.again_parked and 'LPUSH' or 'RPUSH', prefix .. 'drover:parked:' .. job.class,
    #entry.queue .. ' ' .. entry.queue .. ' ' .. payload)
  redis.call('SADD', prefix .. 'drover:parked', job.class)
  if job.unique then redis.call('SET', job.unique, job.jid, 'PX', job.keep_ms) end
  redis.call('HDEL', KEYS[2], token)
  redis.call('DEL', prefix .. 'worker:' .. entry.worker)
end

local function lock(token, job)
  local me, held = ARGV[1] .. ' ' .. token, ''    -- it has begun, whatever it holds
  local function note(kind, name)
    held = held .. table.concat({kind, #name, name, job.jid, job.keep_ms}, ' ') .. '\n'
  end
  note('begun', '')
  if job.unique then note('unique', job.digest) end
  if job.limit then note('running', job.class) end
  if job.overlap then note('overlap', job.class) end
  redis.call('HSET', KEYS[2], '!' .. token, held)       -- first: what is noted is freed
  if job.unique then redis.call('SET', job.unique, job.jid .. ' ' .. me) end
  if job.limit then redis.call('SADD', prefix .. 'drover:running:' .. job.class, me) end
  if job.overlap then redis.call('HSET', prefix .. 'drover:overlap:' .. job.class, job.jid, 'running ' .. me) end
end

-- A run is wanted to pause: the job waits, and holds no worker, until it is resumed.
local function hold(token, entry, job)
  local payload = job.payload ~= '' and job.payload or entry.payload
  redis.call('HSET', prefix .. 'drover:paused:jobs', job.jid, #entry.queue .. ' ' .. entry.queue .. ' ' .. payload)
  if job.unique then redis.call('SET', job.unique, job.jid, 'PX', job.keep_ms) end
  redis.call('HDEL', KEYS[2], token)
  redis.call('DEL', prefix .. 'worker:' .. entry.worker)
end

local function is_wished(what, job)
  local wishes = prefix .. 'drover:' .. what
  return redis.call('HEXISTS', wishes, job.jid) == 1
    or (job.run ~= nil and redis.call('HEXISTS', wishes, job.run) == 1)
end

local function start(token, entry, job)
  if not job.again then
    if is_wished('cancel', job) then return 'cancelled' end
    if job.run and is_wished('pause', job) then
      hold(token, parts(entry), job)
      return 'paused'
    end
    local other = job.unique and other_holder(job.unique, job.jid, ARGV[1] .. ' ' .. token)
    if other then return 'duplicate ' .. other end
    if job.limit then
      local limits, known = prefix .. 'drover:limits', parts(entry)
      if redis.call('HGET', limits, job.class) ~= tostring(job.limit) then redis.call('HSET', limits, job.class, job.limit) end
      if is_full(job, known.payload) then
        park(token, known, job)
        return 'parked'
      end
    end
  end
  lock(token, job)
  if job.once and string.sub(entry, 1, 6) == 'taken ' then redis.call('HSET', KEYS[2], token, 'started ' .. string.sub(entry, 7)) end
  return 'go'
end

-- For people: what cannot be written here keeps no job from running.
local STATES = {go = 'running', parked = 'parked', paused = 'paused'}
local function record(job, first, n, answer)
  local run, line = prefix .. 'drover:run:' .. (job.run or job.jid), job.audit
  for k = 0, n - 1 do redis.pcall('HSET', run, ARGV[first + 2 * k], ARGV[first + 1 + 2 * k]) end
  if answer ~= 'go' then
    line = string.gsub(line, '"what":"started"', '"what":"' .. answer .. '"', 1)
    redis.pcall('HDEL', run, 'worker')
  else
    redis.pcall('HSETNX', run, 'started_at', ARGV[3])
    if job.run then redis.pcall('HDEL', run, 'reason') end
  end
  if job.run and job.part ~= '0' and answer ~= 'go' then
    pcall(set_part_state, {run = job.run, key = run, parts = run .. ':parts', part = job.part}, STATES[answer])
  else
    if job.run then redis.pcall('HSET', run .. ':parts', job.part .. ':state', STATES[answer]) end
    redis.pcall('HSET', run, 'state', STATES[answer])
  end
  redis.pcall('HDEL', run, 'next_at', 'ended_at')
  redis.pcall('RPUSH', run .. ':audit', line)
  redis.pcall('LTRIM', run .. ':audit', -100, -1)
  redis.pcall('PERSIST', run)
  for _, more in ipairs({':audit', ':parts', ':errors', ':log'}) do redis.pcall('PERSIST', run .. more) end
  redis.pcall('ZADD', prefix .. 'drover:runs', ARGV[4], job.run or job.jid)
end

-- Counters of a part add up in its run; a run that is not divided tells its own in the record.
local function add_up(run, parts, at, name, value)
  local old = tonumber(redis.call('HGET', parts, at .. name) or 0)
  redis.call('HSET', parts, at .. name, value)
  if value ~= old then redis.call('HINCRBY', run, name, value - old) end
end

-- How often it was taken over since it got any further.
local function note_recovery(parts, at, recoveries)
  local old = redis.call('HMGET', parts, at .. 'recovered', at .. 'recovered_at', at .. 'stuck', at .. 'number')
  local number, stuck = tonumber(old[4] or 0), tonumber(old[3] or 0)
  if recoveries > tonumber(old[1] or 0) then
    stuck = (old[2] and number <= tonumber(old[2])) and stuck + 1 or 1
    redis.call('HSET', parts, at .. 'recovered', recoveries, at .. 'recovered_at', number, at .. 'stuck', stuck)
  end
  return stuck
end

-- Parts that have failed, or were ended for it, where a run that was divided starts as a whole again: they alone
-- are to be done.
local function failed_parts(parts)
  local fields, out = redis.call('HGETALL', parts), {}
  for k = 1, #fields, 2 do
    local part = string.match(fields[k], '^([1-9]%d*):state$')
    if part and (fields[k + 1] == 'failed' or fields[k + 1] == 'cancelled') then out[#out + 1] = part end
  end
  return table.concat(out, ' ')
end

-- What was set aside ahead of its position was told, and then not passed: it is gone over again.
local function forget_ahead(run, parts, at)
  local number, last = redis.call('HGET', parts, at .. 'number'), redis.call('HGET', parts, at .. 'end')
  for _, item in ipairs(redis.call('HKEYS', run .. ':errors')) do
    if tonumber(item) > tonumber(number or 0) and (not last or tonumber(item) <= tonumber(last)) then
      redis.call('HDEL', run .. ':errors', item)
    end
  end
end

local KNOWN = {'number', 'done', 'errors', 'end', 'item', 'tries', 'cursor'}
local function tell_position(job)
  local run = prefix .. 'drover:run:' .. job.run
  local parts, at, out = run .. ':parts', job.part .. ':', {'go'}
  local function tell(name, value)
    if value and value ~= '' then out[#out + 1] = name .. ' ' .. value end
  end
  if job.part ~= '0' then
    add_up(run, parts, at, 'interruptions', job.interruptions)
    add_up(run, parts, at, 'recoveries', job.recoveries)
  end
  tell('stuck', note_recovery(parts, at, job.recoveries))
  for _, name in ipairs(KNOWN) do tell(name, redis.call('HGET', parts, at .. name)) end
  local known = redis.call('HMGET', run, 'planned', 'total', 'rate', 'errors', 'parts')
  tell('planned', known[1])
  tell('total', known[2])
  tell('rate', known[3])
  tell('run_errors', known[4])
  if job.retry == '0' and tonumber(job.part) >= 0 and not (known[5] and job.part == '0') then
    forget_ahead(run, parts, at)
  end
  if job.part == '0' and job.retry == '0' then
    local failed = known[5] and failed_parts(parts) or ''
    local due = known[1] and not known[5] and tonumber(redis.call('HGET', parts, at .. 'number') or 0) == 0
    tell('divided', failed)
    if due or failed ~= '' then tell('bounds', redis.call('HGET', run, 'bounds')) end
  end
  return table.concat(out, '\n')
end

while ARGV[i] do
  local token = ARGV[i]
  local job = {jid = ARGV[i + 1], class = ARGV[i + 2], again = ARGV[i + 3] == 'again', once = ARGV[i + 3] == 'once',
    limit = tonumber(ARGV[i + 4]), keep_ms = ARGV[i + 6], overlap = ARGV[i + 7] ~= '',
    payload = ARGV[i + 8], audit = ARGV[i + 9]}
  local n = tonumber(ARGV[i + 11])
  local run, part, interruptions, recoveries, retry, needed =
    string.match(ARGV[i + 10], '^(%S+) (%S+) (%d+) (%d+) (%d+) (%d)$')
  if run then
    job.run, job.part, job.retry, job.needs_position = run, part, retry, needed == '1'
    job.interruptions, job.recoveries = tonumber(interruptions), tonumber(recoveries)
  end
  if ARGV[i + 5] ~= '' then
    job.digest = redis.sha1hex(ARGV[i + 5])
    job.unique = prefix .. 'drover:unique:' .. job.digest
  end
  local entry, answer = redis.call('HGET', KEYS[2], token), 'stale'
  if entry then
    local begun = not job.again and redis.call('HEXISTS', KEYS[2], '!' .. token) == 1
    local ok, result = true, 'go'
    if not begun then ok, result = pcall(start, token, entry, job) end
    answer = ok and result or 'error ' .. (type(result) == 'table' and result.err or result)
    if job.audit ~= '' and not begun and STATES[answer] then record(job, i + 12, n, answer) end
    if job.run and answer == 'go' then
      local told, position = pcall(tell_position, job)
      if told then answer = position
      elseif job.needs_position then
        answer = 'error ' .. (type(position) == 'table' and position.err or tostring(position))
      end
    end
  end
  out[#out + 1] = answer
  i = i + 12 + 2 * n
end
return out
