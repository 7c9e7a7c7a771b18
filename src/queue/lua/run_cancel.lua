-- run_cancel: a job that was taken out of its queue has a run record, which says so from now on.
-- Safe to repeat; a run that has gone on in the meantime is left alone.
-- KEYS 1 drover:run:JID
-- ARGV 1 time, 2 how long the record is kept, in ms
if redis.call('HGET', KEYS[1], 'state') ~= 'queued' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'cancelled', 'ended_at', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
