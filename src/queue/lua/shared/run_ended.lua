-- What stands for a job that was taken out of where it waited, and a run record that ends as cancelled. Included by
-- scripts that have `prefix` and `jid`.
local function free_waiting(class, content)
  local lock = prefix .. 'drover:unique:' .. redis.sha1hex(content)
  if redis.pcall('GET', lock) == jid then redis.call('DEL', lock) end
  redis.pcall('HDEL', prefix .. 'drover:overlap:' .. class, jid)
  redis.pcall('HDEL', prefix .. 'drover:cancel', jid)
end

local RUN_KEYS = {':audit', ':parts', ':errors', ':log'}
local function end_cancelled(id, at, now_ms, runs_kept_ms, ids_kept_ms, entry)
  local run = prefix .. 'drover:run:' .. id
  if redis.call('EXISTS', run) == 0 then return end
  redis.call('HSET', run, 'state', 'cancelled', 'ended_at', at)
  redis.call('HDEL', run, 'next_at', 'reason', 'parts_cancelled', 'failure', 'steal', 'speed')
  redis.call('PEXPIRE', run, runs_kept_ms)
  redis.pcall('RPUSH', run .. ':audit', entry)
  redis.pcall('LTRIM', run .. ':audit', -100, -1)
  for _, key in ipairs(RUN_KEYS) do redis.pcall('PEXPIRE', run .. key, runs_kept_ms) end
  redis.pcall('ZADD', prefix .. 'drover:runs', now_ms, id)
  redis.pcall('HDEL', prefix .. 'drover:cancel', id)
  redis.pcall('HDEL', prefix .. 'drover:pause', id)
  local request = redis.call('HGET', run, 'request_id')
  if request then redis.call('PEXPIRE', prefix .. 'drover:id:' .. request, ids_kept_ms) end
end
