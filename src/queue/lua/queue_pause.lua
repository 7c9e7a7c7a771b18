-- queue_pause: a queue is paused or not; supervisors wake by drover:control. Safe to repeat.
-- The version is only told apart from the one before, so it goes after a day without a change.
-- KEYS 1 drover:paused, 2 drover:control
-- ARGV 1 queue, 2 'pause' or 'resume', 3 reason
-- answers 1 where something changed
local changed
if ARGV[2] == 'pause' then
	changed = redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
else
	changed = redis.call('HDEL', KEYS[1], ARGV[1])
end
redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], 86400000)
return changed
