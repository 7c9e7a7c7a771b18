-- promote: jobs that resque-scheduler's clients delayed, and whose time has come, into their queues. Nothing is
-- done while a master of its own has the lock; we need none, for all of this is one step.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 timestamp, then per job, as they stand at the head of delayed:TIMESTAMP:
--      item, queue ("": not a job), payload (or failure record)
-- answers UNKNOWN, LOCKED, or OK, how many were moved. A job that is not at the head any more ends it: somebody
-- else was here. So does one whose queue refuses it: that item and the error stand behind.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, at, moved = ARGV[2], 'delayed:' .. ARGV[3], 0
if redis.call('EXISTS', prefix .. prefix .. 'resque_scheduler_master_lock') == 1 then return {'LOCKED'} end
local list, refused = prefix .. at, nil

local function enter(queue, payload)
  if queue == '' then
    redis.call('RPUSH', prefix .. 'failed', payload)
    redis.pcall('INCR', prefix .. 'stat:failed')
    redis.pcall('INCR', prefix .. 'stat:processed')
    return nil
  end
  redis.call('SADD', prefix .. 'queues', queue)
  local pushed = redis.pcall('RPUSH', prefix .. 'queue:' .. queue, payload)
  return type(pushed) == 'table' and pushed.err or nil
end

for i = 4, #ARGV, 3 do
  local item, queue, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call('LINDEX', list, 0) ~= item then break end
  local why = enter(queue, payload)
  if why then
    refused = {item, why}
    break
  end
  redis.call('LPOP', list)
  redis.pcall('SREM', prefix .. 'timestamps:' .. item, at)
  moved = moved + 1
end
if redis.call('LLEN', list) == 0 then redis.call('ZREM', prefix .. 'delayed_queue_schedule', ARGV[3]) end
return refused and {'OK', moved, refused[1], refused[2]} or {'OK', moved}
