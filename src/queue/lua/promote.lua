-- promote: jobs that resque-scheduler's clients delayed, and whose time has come, into their queues. Nothing is
-- done while a master of its own has the lock; we need none, for all of this is one step.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 timestamp, then per job, as they stand at the head of delayed:TIMESTAMP:
--      item, queue ("": not a job), payload (or failure record)
-- answers UNKNOWN, LOCKED, or OK, how many were moved. A job that is not at the head any more ends it: somebody
-- else was here.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, at, moved = ARGV[2], 'delayed:' .. ARGV[3], 0
if redis.call('EXISTS', prefix .. prefix .. 'resque_scheduler_master_lock') == 1 then return {'LOCKED'} end
local list = prefix .. at
for i = 4, #ARGV, 3 do
  local item, queue, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call('LINDEX', list, 0) ~= item then break end
  if queue == '' then
    redis.call('RPUSH', prefix .. 'failed', payload)
    redis.call('INCR', prefix .. 'stat:failed')
    redis.call('INCR', prefix .. 'stat:processed')
  else
    redis.call('SADD', prefix .. 'queues', queue)
    redis.call('RPUSH', prefix .. 'queue:' .. queue, payload)
  end
  redis.call('LPOP', list)
  redis.call('SREM', prefix .. 'timestamps:' .. item, at)
  moved = moved + 1
end
if redis.call('LLEN', list) == 0 then redis.call('ZREM', prefix .. 'delayed_queue_schedule', ARGV[3]) end
return {'OK', moved}
