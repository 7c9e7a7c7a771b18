-- start: between fetch and running, for jobs whose class asks for it.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 time (RFC 3339), 4 time (epoch ms), then per job:
--      token, jid, class, "ask" | "once" (at most once: its entry is marked `started`) |
--      "again" (it runs already; Redis lost data: its locks are taken anew),
--      most that may run at once or "", text a unique job is known by or "", how long such a lock lasts
--      while the job waits (ms), "1" where overlaps of scheduled jobs are counted or "",
--      payload to park ("": as in the entry), audit line ("": no run record),
--      n, then n field value pairs of the record
-- answers UNKNOWN, or STARTED, then per job
--      go | stale | parked | cancelled | duplicate JID | error WORDS (a key of another type in the way; the
--      others of the batch are answered all the same). A repeat with the same token answers the same
--      (but for `parked`: that token is gone, so it is stale).
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, out, i = ARGV[2], {'STARTED'}, 5

-- include: holder

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

local function start(token, entry, job)
  if not job.again then
    if redis.call('HEXISTS', prefix .. 'drover:cancel', job.jid) == 1 then return 'cancelled' end
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
local function record(job, first, n, parked)
  local run, line = prefix .. 'drover:run:' .. job.jid, job.audit
  for k = 0, n - 1 do redis.pcall('HSET', run, ARGV[first + 2 * k], ARGV[first + 1 + 2 * k]) end
  if parked then
    line = string.gsub(line, '"what":"started"', '"what":"parked"', 1)
    redis.pcall('HDEL', run, 'worker')
  else
    redis.pcall('HSETNX', run, 'started_at', ARGV[3])
  end
  redis.pcall('HSET', run, 'state', parked and 'parked' or 'running')
  redis.pcall('HDEL', run, 'next_at', 'ended_at')
  redis.pcall('RPUSH', run .. ':audit', line)
  redis.pcall('LTRIM', run .. ':audit', -100, -1)
  redis.pcall('PERSIST', run)
  redis.pcall('PERSIST', run .. ':audit')
  redis.pcall('ZADD', prefix .. 'drover:runs', ARGV[4], job.jid)
end

while ARGV[i] do
  local token = ARGV[i]
  local job = {jid = ARGV[i + 1], class = ARGV[i + 2], again = ARGV[i + 3] == 'again', once = ARGV[i + 3] == 'once',
    limit = tonumber(ARGV[i + 4]), keep_ms = ARGV[i + 6], overlap = ARGV[i + 7] ~= '',
    payload = ARGV[i + 8], audit = ARGV[i + 9]}
  local n = tonumber(ARGV[i + 10])
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
    if job.audit ~= '' and not begun and (answer == 'go' or answer == 'parked') then
      record(job, i + 11, n, answer == 'parked')
    end
  end
  out[#out + 1] = answer
  i = i + 11 + 2 * n
end
return out
