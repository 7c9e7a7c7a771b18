-- finish: a batch of verdicts.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 time (epoch ms), 4 how long ended run records are kept (ms), 5 the same of request
--      ids, then per verdict:
--      token, what (done | failed | cancelled | head | tail | later | paused | divided), worker id, queue,
--      text (failure record; payload that goes back, also that of a part that is done; of `divided` the parts),
--      worker record of the job the worker goes on with or "",
--      delay (ms) and reason (one word) of `later` (of a part that failed: "stop" the others; of `paused`: "item",
--      where it waits for somebody to look at one), "1" where the token may hold locks or "",
--      jid, audit line ("": it has no run record), position or "", follow-ups ("STATE LEN QUEUE LEN PAYLOAD" one
--      behind the other: the job that is due where the run ends so; STATE "complete": before it ends as done),
--      n, then n field value pairs of that record
-- answers UNKNOWN (no such lease: nothing was done), or OK, then per verdict
--      applied | stale (the token is not in the lease: nothing was changed) | the words of an error
-- Enter first, remove last; what only counts or shows comes behind and may fail by itself.
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, out, i = ARGV[2], {'OK'}, 6
local processed, failed, now_ms = 0, 0, nil
local ENDS = {done = true, failed = true, cancelled = true}

-- include: position
-- include: wake

local function now()
  if not now_ms then
    local time = redis.call('TIME')
    now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return now_ms
end

local function push(command, queue, payload)
  redis.pcall('SADD', prefix .. 'queues', queue)
  return redis.pcall(command, prefix .. 'queue:' .. queue, payload)
end

-- Two jobs of one jid (a client's doing) must not take each other's place.
local function enter_later(v)
  local jobs, member, n = prefix .. 'drover:delayed:jobs', v.jid, 1
  while redis.call('HEXISTS', jobs, member) == 1 do
    n = n + 1
    member = v.jid .. '/' .. n
  end
  redis.call('HSET', jobs, member, table.concat({v.why, #v.queue, v.queue, v.text}, ' '))
  local added = redis.pcall('ZADD', prefix .. 'drover:delayed', string.format('%.0f', now() + v.delay_ms), member)
  if type(added) == 'table' then redis.call('HDEL', jobs, member) end   -- refused: asked again as if new
  return added
end

-- -- runs that are divided: a part that ends is not the end of its run, but for the last one

-- Calls fn with the words of a text "LEN WORD LEN WORD ..", after `n` words without a length.
local function each_counted(text, pattern, fn)
  local at = 1
  while at <= #text do
    local found = {string.find(text, pattern, at)}
    local words, e = {}, found[2]
    for k = 3, #found do words[#words + 1] = found[k] end
    local counted = {}
    for k = 1, 2 do
      local _, stop, len = string.find(text, '^(%d+) ', e + 1)
      counted[k] = string.sub(text, stop + 1, stop + len)
      e = stop + len + 1
    end
    fn(words, counted[1], counted[2])
    at = e + 1
  end
end

-- "PART NUMBER END LEN CURSOR LEN PAYLOAD " one behind the other, the first part first.
local function divide(v)
  local p, list = v.position, {}
  each_counted(v.text, '^(%S+) (%d+) (%S+) ', function(words, cursor, payload)
    list[#list + 1] = {part = words[1], number = words[2], last = words[3], cursor = cursor, payload = payload}
  end)
  for k = #list, 1, -1 do
    local part, at = list[k], list[k].part .. ':'
    local pushed = push('LPUSH', v.queue, part.payload)
    if type(pushed) == 'table' and pushed.err then return pushed end   -- the first one: a queue that is no list
    if redis.call('HEXISTS', p.parts, at .. 'number') == 0 then
      redis.call('HSET', p.parts, at .. 'number', part.number, at .. 'first', part.number, at .. 'cursor', part.cursor,
        at .. 'done', 0, at .. 'errors', 0)
      if part.last ~= '-' then redis.call('HSET', p.parts, at .. 'end', part.last) end
    end
    redis.call('HSET', p.parts, at .. 'state', 'queued')
  end
  redis.call('HSETNX', p.key, 'parts', #list)
  redis.call('HSET', p.key, 'parts_left', #list, 'parts_failed', 0)
  redis.call('HDEL', p.key, 'failure', 'parts_cancelled')
  return 1
end

-- Resumed before it was paused: it goes on.
local function is_resumed(v)
  return v.what == 'paused' and v.why ~= 'item' and
    redis.call('HEXISTS', prefix .. 'drover:pause', v.part_of or v.jid) == 0
end

-- Where a part is done only if it came to its end as Redis has it: it may have been made shorter in vain.
local function is_short(v)
  if v.what ~= 'done' or not v.part_of then return false end
  local last = redis.call('HGET', v.position.parts, v.position.part .. ':end')
  return last ~= nil and last ~= false and v.position.last ~= '-' and tonumber(last) > tonumber(v.position.last)
end

-- How the run ends with this part, or nil: others are left.
local function end_part(v)
  local p = v.position
  if p.part == '-1' then return v.what end                 -- what was due when all parts were done
  if v.what == 'failed' then
    redis.call('HINCRBY', p.key, 'parts_failed', 1)
    redis.call('HSETNX', p.key, 'failure', v.text)
    if v.why == 'stop' then
      redis.call('HSET', prefix .. 'drover:cancel', p.run, string.format('%.0f', now()))
      wake_supervisors(prefix .. 'drover:control')
    end
  end
  if v.what == 'cancelled' then redis.call('HSET', p.key, 'parts_cancelled', 1) end
  redis.call('HSET', p.parts, p.part .. ':state', v.what)
  local seen, left = count_states(p.parts), 0
  for state, n in pairs(seen) do
    if not ENDS[state] then left = left + n end
  end
  redis.call('HSET', p.key, 'parts_left', left)
  if left > 0 then
    set_rest(p)
    if not seen.queued then redis.call('HSET', p.key, 'steal', '1') end
    return nil
  end
  redis.call('HDEL', p.key, 'steal')
  if redis.call('HGET', p.key, 'state') == 'cancelling' then return 'cancelled' end   -- somebody's wish, not a failure's
  if redis.call('HGET', p.key, 'failure') then return 'failed' end
  return redis.call('HDEL', p.key, 'parts_cancelled') == 1 and 'cancelled' or 'done'
end

-- The jobs that follow; one that is due before the end keeps the run from ending.
local function follow(v, state)
  local goes_on = false
  each_counted(v.follow, '^(%a+) ', function(words, queue, payload)
    if words[1] == 'complete' and state == 'done' then
      goes_on = true
      push('LPUSH', queue, payload)
    end
  end)
  if goes_on then return true end
  local run = prefix .. 'drover:run:' .. (v.part_of or v.jid)
  if redis.pcall('HEXISTS', run, 'followed') == 1 then return false end   -- it was done once before: one follows, once
  each_counted(v.follow, '^(%a+) ', function(words, queue, payload)
    if words[1] == state then push('RPUSH', queue, payload) end
  end)
  return false
end

local function enter(v)
  if v.what == 'failed' and v.part_of then return redis.pcall('LLEN', prefix .. 'failed') end
  if v.what == 'failed' then return redis.pcall('RPUSH', prefix .. 'failed', v.text) end
  if v.what == 'divided' then return divide(v) end
  if v.what == 'paused' then
    return redis.pcall('HSET', prefix .. 'drover:paused:jobs', v.jid, #v.queue .. ' ' .. v.queue .. ' ' .. v.text)
  end
  if v.what == 'head' then return push('LPUSH', v.queue, v.text) end
  if v.what == 'tail' then return push('RPUSH', v.queue, v.text) end
  if v.what == 'later' then return enter_later(v) end
end

-- include: unpark

local FREE = {}

function FREE.unique(digest, jid, me, keep_ms, ends)
  local key = prefix .. 'drover:unique:' .. digest
  if redis.call('GET', key) ~= jid .. ' ' .. me then return end
  if ends then redis.call('DEL', key) else redis.call('SET', key, jid, 'PX', keep_ms) end
end

function FREE.overlap(class, jid, me, keep_ms, ends)
  local key = prefix .. 'drover:overlap:' .. class
  if redis.call('HGET', key, jid) ~= 'running ' .. me then return end
  if ends then redis.call('HDEL', key, jid)
  else redis.call('HSET', key, jid, 'waiting ' .. string.format('%.0f', now() + keep_ms)) end
end

function FREE.running(class, _, me)
  redis.call('SREM', prefix .. 'drover:running:' .. class, me)
  unpark(class)
end

-- Its token is gone by now: a lock that cannot be freed (its key is of a wrong type) must not end the script.
local function free_locks(v)
  local locks, at, me = redis.call('HGET', KEYS[2], '!' .. v.token), 1, ARGV[1] .. ' ' .. v.token
  while locks and at <= #locks do
    local _, e, kind, n = string.find(locks, '^(%a+) (%d+) ', at)
    local name = string.sub(locks, e + 1, e + n)
    local _, next_at, jid, keep_ms = string.find(locks, '^ (%S+) (%d+)\n', e + n + 1)
    if FREE[kind] then pcall(FREE[kind], name, jid, me, keep_ms, ENDS[v.what]) end
    at = next_at + 1
  end
  redis.call('HDEL', KEYS[2], '!' .. v.token)
end

local function count(v)
  if not ENDS[v.ends] then return end
  processed = processed + 1
  if v.ends == 'failed' then failed = failed + 1 end
  if v.worker == '' then return end       -- an adopted job: its worker is gone
  redis.pcall('INCR', prefix .. 'stat:processed:' .. v.worker)
  if v.ends == 'failed' then redis.pcall('INCR', prefix .. 'stat:failed:' .. v.worker) end
end

-- A part that ends before others leaves nothing but a line in the audit; `state` is what all parts make it.
local function is_told(v, field)
  return not v.part_of or (field ~= 'state' and (v.ends ~= nil or not ENDS[v.what]))
end

local function record(v, first, n)
  local id = v.part_of or v.jid
  local run = prefix .. 'drover:run:' .. id
  for k = 0, n - 1 do
    local field = ARGV[first + 2 * k]
    if is_told(v, field) then redis.pcall('HSET', run, field, ARGV[first + 1 + 2 * k]) end
  end
  if v.part_of and v.ends then redis.pcall('HSET', run, 'state', v.ends) end
  redis.pcall('RPUSH', run .. ':audit', v.audit)
  redis.pcall('LTRIM', run .. ':audit', -100, -1)
  if ENDS[v.ends] then
    redis.pcall('HDEL', run, 'steal', 'reason', 'speed')
    if v.ends == 'done' then redis.pcall('HDEL', run, 'error', 'exception') end   -- of an attempt before
    redis.pcall('PEXPIRE', run, ARGV[4])
    for _, more in ipairs({':audit', ':parts', ':errors', ':log'}) do redis.pcall('PEXPIRE', run .. more, ARGV[4]) end
    local known = redis.pcall('HMGET', run, 'request_id', 'unique', 'class')
    if v.part_of and known[3] then redis.pcall('HDEL', prefix .. 'drover:overlap:' .. known[3], id) end
    if known[1] then redis.pcall('PEXPIRE', prefix .. 'drover:id:' .. known[1], ARGV[5]) end
    local lock = known[2] and prefix .. 'drover:unique:' .. known[2]
    if lock and redis.pcall('GET', lock) == id then redis.pcall('DEL', lock) end
  end
  redis.pcall('ZADD', prefix .. 'drover:runs', ARGV[3], id)
  redis.pcall('ZREMRANGEBYSCORE', prefix .. 'drover:runs', '-inf', ARGV[3] - ARGV[4])
  redis.pcall('PEXPIRE', prefix .. 'drover:runs', ARGV[4])
end

-- A wish to cancel goes with the job, also one that its supervisor had not heard of when it ended: else the next
-- of that jid (a failed one that is tried again) would be cancelled for it.
local wishes = nil
local function forget_cancel(v)
  if not ENDS[v.ends] then return end
  if wishes == nil then wishes = redis.pcall('EXISTS', prefix .. 'drover:cancel', prefix .. 'drover:pause') ~= 0 end
  if wishes then
    local gone = redis.pcall('HDEL', prefix .. 'drover:cancel', v.jid, v.part_of or v.jid)
    if type(gone) == 'number' and gone > 0 then pcall(wake_supervisors, prefix .. 'drover:control') end
    redis.pcall('HDEL', prefix .. 'drover:pause', v.jid, v.part_of or v.jid)
  end
end

-- What becomes of the run, once the job's token is gone. An error here must not undo that.
local function settle(v)
  if v.what == 'divided' then
    local held = redis.call('HGET', KEYS[2], '!' .. v.token) or ''
    local digest = string.match(held, 'unique %d+ (%x+) ')
    if digest then redis.call('HSET', v.position.key, 'unique', digest) end
    redis.call('HSET', v.position.parts, '0:state', 'divided')
  elseif v.part_of then
    if not ENDS[v.what] then
      set_part_state(v.position, (v.what == 'paused' and 'paused') or (v.what == 'later' and (LATER[v.why] or 'delayed')) or 'queued')
      return
    end
    v.ends = end_part(v)
    if v.ends == 'failed' then
      redis.call('RPUSH', prefix .. 'failed', redis.call('HGET', v.position.key, 'failure') or v.text)
    end
  else
    v.ends = ENDS[v.what] and v.what or nil
    if v.position then
      local rest = (v.what == 'paused' and 'paused') or (v.what == 'later' and (LATER[v.why] or 'delayed')) or 'queued'
      redis.call('HSET', v.position.parts, v.position.part .. ':state', v.ends or rest)
    end
  end
  if v.ends and v.follow ~= '' and follow(v, v.ends) then v.ends = nil end
end

local function apply(v)
  if v.what == 'done' and not v.position and v.follow == '' then
    if redis.call('HDEL', KEYS[2], v.token) == 0 then return 'stale' end
    v.ends = 'done'
  else
    if redis.call('HEXISTS', KEYS[2], v.token) == 0 then return 'stale' end
    if v.position then
      save_position(v.position, ARGV[3])
      if is_short(v) then v.what, v.audit = 'head', '' end
    end
    if is_resumed(v) then
      v.what, v.audit = 'head', ''
      if not v.part_of then redis.call('HSET', prefix .. 'drover:run:' .. v.jid, 'state', 'queued') end
    end
    local entered = enter(v)
    if type(entered) == 'table' and entered.err then return entered.err end
    redis.call('HDEL', KEYS[2], v.token)
    local settled, why = pcall(settle, v)
    if not settled then v.trouble = why end
  end
  if v.locks then pcall(free_locks, v) end
  forget_cancel(v)
  return 'applied'
end

-- What is refused before it is entered is answered for that verdict alone.
local function try(v)
  local ok, answer = pcall(apply, v)
  if ok then return answer end
  return type(answer) == 'table' and answer.err or tostring(answer)
end

while ARGV[i] do
  local v = {token = ARGV[i], what = ARGV[i + 1], worker = ARGV[i + 2], queue = ARGV[i + 3], text = ARGV[i + 4],
    delay_ms = ARGV[i + 6], why = ARGV[i + 7], locks = ARGV[i + 8] ~= '', jid = ARGV[i + 9], audit = ARGV[i + 10],
    position = read_position(ARGV[i + 11]), follow = ARGV[i + 12]}
  if v.position and v.position.run ~= v.jid then v.part_of = v.position.run end
  local n, next_record = tonumber(ARGV[i + 13]), ARGV[i + 5]
  local answer = try(v)
  if answer == 'applied' then
    if next_record ~= '' then redis.pcall('SET', prefix .. 'worker:' .. v.worker, next_record)
    elseif v.worker ~= '' then redis.pcall('DEL', prefix .. 'worker:' .. v.worker) end
    count(v)
    if v.audit ~= '' then record(v, i + 14, n) end
  end
  out[#out + 1] = answer
  i = i + 14 + 2 * n
end
if processed > 0 then redis.pcall('INCRBY', prefix .. 'stat:processed', processed) end
if failed > 0 then redis.pcall('INCRBY', prefix .. 'stat:failed', failed) end
return out
