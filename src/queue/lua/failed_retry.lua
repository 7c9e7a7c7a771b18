-- failed_retry: one record, named by its bytes, leaves the failed list and its job stands at the
-- end of its queue. Safe to repeat: the second time the record is gone.
-- KEYS 1 failed, 2 queues, 3 queue:NAME, 4 drover:run:JID, 5 drover:run:JID:audit, 6 drover:cancel,
--      7 drover:control
-- ARGV 1 record, 2 queue, 3 payload, 4 jid (of the run, where it is a part of one), 5 audit entry
-- answers 1, or 0 where the record is not there

-- include: wake

redis.call('RPUSH', KEYS[3], ARGV[3])	-- enter first: a refusal at any line loses nothing
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then
	redis.call('RPOP', KEYS[3])
	return 0
end
redis.call('SADD', KEYS[2], ARGV[2])
if redis.pcall('HDEL', KEYS[6], ARGV[4]) == 1 then pcall(wake_supervisors, KEYS[7]) end	-- who puts it back wants it to run
if redis.call('EXISTS', KEYS[4]) == 1 then
	redis.call('HSET', KEYS[4], 'state', 'queued', 'attempt', 1)
	redis.call('HDEL', KEYS[4], 'ended_at', 'next_at', 'worker', 'error', 'exception', 'result')
	-- A run goes on where it was: it has begun once and keeps its cursors; of a divided one, `start` takes the parts that
	-- failed. The tries of an item begin anew, as the attempts do.
	if redis.call('HEXISTS', KEYS[4], 'each') == 0 then redis.call('HDEL', KEYS[4], 'started_at') end
	for _, field in ipairs(redis.pcall('HKEYS', KEYS[4] .. ':parts')) do
		if string.match(field, ':item$') or string.match(field, ':tries$') then
			redis.call('HDEL', KEYS[4] .. ':parts', field)
		end
	end
	redis.pcall('RPUSH', KEYS[5], ARGV[5])
	redis.pcall('LTRIM', KEYS[5], -100, -1)
	for _, key in ipairs({'', ':audit', ':parts', ':errors', ':log'}) do redis.call('PERSIST', KEYS[4] .. key) end
end
return 1
