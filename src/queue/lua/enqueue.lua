-- enqueue: a job to the end of its queue, as Resque's client does it, with its run record if one
-- is asked for. Not safe to repeat: whose answer is lost is told so.
-- KEYS 1 queues, 2 queue:NAME, [3 drover:run:JID]
-- ARGV 1 queue, 2 payload, then field, value of the run record
-- answers the length of the queue
local length = redis.call('RPUSH', KEYS[2], ARGV[2])	-- first: where it is refused nothing is left
redis.call('SADD', KEYS[1], ARGV[1])
if KEYS[3] then
	redis.call('HSET', KEYS[3], unpack(ARGV, 3))
end
return length
