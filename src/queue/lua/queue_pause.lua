-- queue_pause: a queue is paused or not; supervisors wake by drover:control. Safe to repeat.
-- KEYS 1 drover:paused, 2 drover:control
-- ARGV 1 queue, 2 'pause' or 'resume', 3 reason
-- answers 1 where something changed

-- include: wake

local changed
if ARGV[2] == 'pause' then
	changed = redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
else
	changed = redis.call('HDEL', KEYS[1], ARGV[1])
end
wake_supervisors(KEYS[2])
return changed
