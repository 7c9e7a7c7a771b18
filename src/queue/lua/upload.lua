-- upload: all chunks of a file are written: from now on it is there, as a whole, and expires as a whole.
-- Safe to repeat: the same is written again.
-- KEYS 1 drover:csv:ID; its chunks stand behind it: :0 ..
-- ARGV 1 how many chunks, 2 how long it is kept, in ms, then field, value ... of what is said of it
-- answers 1, or 0 where a chunk is not there any more: nothing is said of it then
for chunk = 0, ARGV[1] - 1 do
  if redis.call('PEXPIRE', KEYS[1] .. ':' .. string.format('%d', chunk), ARGV[2]) == 0 then return 0 end
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
