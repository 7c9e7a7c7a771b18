-- finish: a batch of verdicts.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 time (epoch ms), 4 how long ended run records are kept (ms), then per verdict:
--      token, what (done | failed | head), worker id, queue, text (failure record; payload to give back),
--      worker record of the job the worker goes on with or "",
--      jid of its run record or "", n, then n field value pairs of that record
-- answers UNKNOWN (no such lease: nothing was done), or OK, then per verdict
--      applied | stale (the token is not in the lease: nothing was changed) | the words of an error
-- Enter first, remove last; what only counts or shows comes behind and may fail by itself.
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, out, i = ARGV[2], {'OK'}, 5
local processed, failed = 0, 0

local function enter(what, queue, text)
  if what == 'failed' then return redis.pcall('RPUSH', prefix .. 'failed', text) end
  if what == 'head' then
    redis.pcall('SADD', prefix .. 'queues', queue)
    return redis.pcall('LPUSH', prefix .. 'queue:' .. queue, text)
  end
end

local function count(what, worker)
  if what == 'head' then return end
  processed = processed + 1
  redis.pcall('INCR', prefix .. 'stat:processed:' .. worker)
  if what == 'failed' then
    failed = failed + 1
    redis.pcall('INCR', prefix .. 'stat:failed:' .. worker)
  end
end

local function record(jid, what, first, n)
  local run = prefix .. 'drover:run:' .. jid
  for k = 0, n - 1 do redis.pcall('HSET', run, ARGV[first + 2 * k], ARGV[first + 1 + 2 * k]) end
  if what ~= 'head' then redis.pcall('PEXPIRE', run, ARGV[4]) end
  redis.pcall('ZADD', prefix .. 'drover:runs', ARGV[3], jid)
  redis.pcall('ZREMRANGEBYSCORE', prefix .. 'drover:runs', '-inf', ARGV[3] - ARGV[4])
  redis.pcall('PEXPIRE', prefix .. 'drover:runs', ARGV[4])
end

while ARGV[i] do
  local token, what, worker, queue, text, next_record, jid, n = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3],
    ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], tonumber(ARGV[i + 7])
  local answer = 'stale'
  if what == 'done' then
    if redis.call('HDEL', KEYS[2], token) == 1 then answer = 'applied' end
  elseif redis.call('HEXISTS', KEYS[2], token) == 1 then
    local entered = enter(what, queue, text)
    if type(entered) == 'table' and entered.err then
      answer = entered.err
    else
      redis.call('HDEL', KEYS[2], token)
      answer = 'applied'
    end
  end
  if answer == 'applied' then
    if next_record ~= '' then redis.pcall('SET', prefix .. 'worker:' .. worker, next_record)
    elseif worker ~= '' then redis.pcall('DEL', prefix .. 'worker:' .. worker) end
    count(what, worker)
    if jid ~= '' then record(jid, what, i + 8, n) end
  end
  out[#out + 1] = answer
  i = i + 8 + 2 * n
end
if processed > 0 then redis.pcall('INCRBY', prefix .. 'stat:processed', processed) end
if failed > 0 then redis.pcall('INCRBY', prefix .. 'stat:failed', failed) end
return out
