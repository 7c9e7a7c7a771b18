-- prune: unregister one dead worker of another program, as Resque does (rule 2: a heartbeat older than 300 s).
-- ARGV 1 prefix, 2 worker id, 3 its heartbeat as read, 4 its job record as read ("" : none), 5 failure record ("" : none)
-- answers 1 where it was done; 0 where anything changed since it was read, or where a supervisor of ours claims the id
local prefix, id = ARGV[1], ARGV[2]
if redis.call('HGET', prefix .. 'workers:heartbeat', id) ~= ARGV[3] then return 0 end
if (redis.call('GET', prefix .. 'worker:' .. id) or '') ~= ARGV[4] then return 0 end
for _, lease in ipairs(redis.call('ZRANGE', prefix .. 'drover:supervisors', 0, -1)) do
  local ids = redis.call('HGET', prefix .. 'drover:supervisor:' .. lease, 'worker_ids')
  if ids and string.find('\n' .. ids .. '\n', '\n' .. id .. '\n', 1, true) then return 0 end
end
if ARGV[5] ~= '' then
  redis.call('RPUSH', prefix .. 'failed', ARGV[5])
  redis.call('INCR', prefix .. 'stat:failed')
  redis.call('INCR', prefix .. 'stat:processed')
end
redis.call('SREM', prefix .. 'workers', id)
redis.call('HDEL', prefix .. 'workers:heartbeat', id)
redis.call('DEL', prefix .. 'worker:' .. id, prefix .. 'worker:' .. id .. ':started',
  prefix .. 'stat:processed:' .. id, prefix .. 'stat:failed:' .. id)
return 1
