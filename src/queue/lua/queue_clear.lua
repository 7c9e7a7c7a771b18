-- queue_clear: the first jobs of a queue are thrown away. Its name stays known.
-- KEYS 1 queue:NAME
-- ARGV 1 how many at most, 2 text that stands in every payload which may have a run record
-- answers how many, then the payloads among them that hold the text
local gone = redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
redis.call('LTRIM', KEYS[1], ARGV[1], -1)
local out = {#gone}
for _, payload in ipairs(gone) do
	if string.find(payload, ARGV[2], 1, true) then out[#out + 1] = payload end
end
return out
