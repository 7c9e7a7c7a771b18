-- enlist: workers as Resque and resque-web know them come and go, and beat.
-- ARGV 1 prefix, 2 add | beat | remove, 3 heartbeat time, 4 started time, 5.. worker ids
-- add also wipes what an earlier worker of the same id left; remove leaves the record of a job that runs.
redis.call('DEL', ARGV[1] .. 'drover:none')
local prefix, what = ARGV[1], ARGV[2]
for i = 5, #ARGV do
  local id = ARGV[i]
  if what == 'remove' then
    redis.call('SREM', prefix .. 'workers', id)
    redis.call('DEL', prefix .. 'worker:' .. id, prefix .. 'worker:' .. id .. ':started',
      prefix .. 'stat:processed:' .. id, prefix .. 'stat:failed:' .. id)
    redis.call('HDEL', prefix .. 'workers:heartbeat', id)
  else
    redis.call('SADD', prefix .. 'workers', id)
    redis.call('HSET', prefix .. 'workers:heartbeat', id, ARGV[3])
    if what == 'add' then
      redis.call('SET', prefix .. 'worker:' .. id .. ':started', ARGV[4])
    else
      redis.call('SETNX', prefix .. 'worker:' .. id .. ':started', ARGV[4])
    end
  end
end
return 'OK'
