-- queue_clear: jobs at the head of a queue are thrown away. Those that may have a run record or locks hold a text by
-- which they are known; they stay, and are answered: each is cancelled by itself.
-- KEYS 1 queue:NAME
-- ARGV 1 how many to look at, 2 that text, 3 how many bytes to answer at most, but for the first
-- answers how many were thrown away, then the payloads that stand at the head now and hold the text
local first = redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
local gone, bytes = 0, 0
while first[gone + 1] and not string.find(first[gone + 1], ARGV[2], 1, true) do gone = gone + 1 end
if gone > 0 then redis.call('LTRIM', KEYS[1], gone, -1) end
local out = {gone}
for i = gone + 1, #first do
  bytes = bytes + #first[i]
  if not string.find(first[i], ARGV[2], 1, true) or (#out > 1 and bytes > tonumber(ARGV[3])) then break end
  out[#out + 1] = first[i]
end
return out
