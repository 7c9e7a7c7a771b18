-- cancel_running: a job that stands in a lease shall be ended; its supervisor, or whoever takes the lease over, does
-- it. Safe to repeat.
-- KEYS 1 drover:lease:ID, 2 drover:cancel, 3 drover:control
-- ARGV 1 token, 2 jid, 3 time (epoch ms)
-- answers 1, or 0 where the job is not in that lease any more
-- include: wake

redis.call('DEL', KEYS[2] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
wake_supervisors(KEYS[3])
return 1
