-- leave: the end of a supervisor. Its lease goes only if nothing is left in it.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID, 3 drover:supervisor:ID
-- ARGV 1 lease id
-- answers the number of entries that stand in the way; 0: gone
redis.call('DEL', KEYS[1] .. ':none')
local left = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  local first = string.sub(field, 1, 1)
  if first ~= '#' and first ~= '!' then left = left + 1 end
end
if left == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[2], KEYS[3])
end
return left
