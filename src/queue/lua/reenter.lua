-- reenter: after Redis lost data, what a living supervisor holds is written again.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, then pairs: "#" .. pool, number  |  token, entry, queue, payload
--      (told apart by their first byte)
-- answers UNKNOWN, or OK. The very payload is taken out of its queue first: Redis may have an older state,
-- in which the job still waits.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local i = 3
while ARGV[i] do
  if string.sub(ARGV[i], 1, 1) == '#' then
    -- Sent again after a lost answer, it may come behind fetches that were served since: a mark that was
    -- lowered would let the next fetch take a token that is in use, and the job under it would be gone.
    local mark = tonumber(string.match(redis.call('HGET', KEYS[2], ARGV[i]) or '0', '^%d+'))
    if tonumber(ARGV[i + 1]) > mark then redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
    i = i + 2
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    redis.pcall('LREM', ARGV[2] .. 'queue:' .. ARGV[i + 2], 1, ARGV[i + 3])
    i = i + 4
  end
end
return {'OK'}
