-- finish: a batch of verdicts.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 time (epoch ms), 4 how long ended run records are kept (ms), 5 the same of request
--      ids, then per verdict:
--      token, what (done | failed | cancelled | head | tail | later), worker id, queue,
--      text (failure record; payload that goes back), worker record of the job the worker goes on with or "",
--      delay (ms) and reason (one word) of `later`, "1" where the token may hold locks or "",
--      jid, audit line ("": it has no run record), n, then n field value pairs of that record
-- answers UNKNOWN (no such lease: nothing was done), or OK, then per verdict
--      applied | stale (the token is not in the lease: nothing was changed) | the words of an error
-- Enter first, remove last; what only counts or shows comes behind and may fail by itself.
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, out, i = ARGV[2], {'OK'}, 6
local processed, failed, now_ms = 0, 0, nil
local ENDS = {done = true, failed = true, cancelled = true}

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

local function enter(v)
  if v.what == 'failed' then return redis.pcall('RPUSH', prefix .. 'failed', v.text) end
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
  if not ENDS[v.what] then return end
  processed = processed + 1
  if v.what == 'failed' then failed = failed + 1 end
  if v.worker == '' then return end       -- an adopted job: its worker is gone
  redis.pcall('INCR', prefix .. 'stat:processed:' .. v.worker)
  if v.what == 'failed' then redis.pcall('INCR', prefix .. 'stat:failed:' .. v.worker) end
end

local function record(v, first, n)
  local run = prefix .. 'drover:run:' .. v.jid
  for k = 0, n - 1 do redis.pcall('HSET', run, ARGV[first + 2 * k], ARGV[first + 1 + 2 * k]) end
  redis.pcall('RPUSH', run .. ':audit', v.audit)
  redis.pcall('LTRIM', run .. ':audit', -100, -1)
  if ENDS[v.what] then
    redis.pcall('PEXPIRE', run, ARGV[4])
    redis.pcall('PEXPIRE', run .. ':audit', ARGV[4])
    local id = redis.pcall('HGET', run, 'request_id')
    if type(id) == 'string' then redis.pcall('PEXPIRE', prefix .. 'drover:id:' .. id, ARGV[5]) end
  end
  redis.pcall('ZADD', prefix .. 'drover:runs', ARGV[3], v.jid)
  redis.pcall('ZREMRANGEBYSCORE', prefix .. 'drover:runs', '-inf', ARGV[3] - ARGV[4])
  redis.pcall('PEXPIRE', prefix .. 'drover:runs', ARGV[4])
end

-- A wish to cancel goes with the job, also one that its supervisor had not heard of when it ended: else the next
-- of that jid (a failed one that is tried again) would be cancelled for it.
local wishes = nil
local function forget_cancel(v)
  if not ENDS[v.what] then return end
  if wishes == nil then wishes = redis.pcall('EXISTS', prefix .. 'drover:cancel') == 1 end
  if wishes then redis.pcall('HDEL', prefix .. 'drover:cancel', v.jid) end
end

local function apply(v)
  if v.what == 'done' then
    if redis.call('HDEL', KEYS[2], v.token) == 0 then return 'stale' end
  else
    if redis.call('HEXISTS', KEYS[2], v.token) == 0 then return 'stale' end
    local entered = enter(v)
    if type(entered) == 'table' and entered.err then return entered.err end
    redis.call('HDEL', KEYS[2], v.token)
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
    delay_ms = ARGV[i + 6], why = ARGV[i + 7], locks = ARGV[i + 8] ~= '', jid = ARGV[i + 9], audit = ARGV[i + 10]}
  local n, next_record = tonumber(ARGV[i + 11]), ARGV[i + 5]
  local answer = try(v)
  if answer == 'applied' then
    if next_record ~= '' then redis.pcall('SET', prefix .. 'worker:' .. v.worker, next_record)
    elseif v.worker ~= '' then redis.pcall('DEL', prefix .. 'worker:' .. v.worker) end
    count(v)
    if v.audit ~= '' then record(v, i + 12, n) end
  end
  out[#out + 1] = answer
  i = i + 12 + 2 * n
end
if processed > 0 then redis.pcall('INCRBY', prefix .. 'stat:processed', processed) end
if failed > 0 then redis.pcall('INCRBY', prefix .. 'stat:failed', failed) end
return out
