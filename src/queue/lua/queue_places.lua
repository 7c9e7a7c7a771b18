-- queue_places: to which queues do the next few of the delayed, paused or parked jobs belong? Only reads.
-- KEYS 1 drover:delayed:jobs (a hash of "WHY LEN QUEUE PAYLOAD") | drover:paused:jobs (a hash of "LEN QUEUE PAYLOAD")
--      | drover:parked:CLASS (a list of "LEN QUEUE PAYLOAD")
-- ARGV 1 delayed | paused | parked, 2 where to go on, "0" to begin, 3 about how many
-- answers where to go on ("0": that was all), then queue, number ..
local items, on, count, out = {}, '0', {}, {}
if ARGV[1] ~= 'parked' then
  local part = redis.call('HSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
  on = part[1]
  local form = ARGV[1] == 'delayed' and '^%S+ (.*)' or '.*'
  for i = 2, #part[2], 2 do items[#items + 1] = string.match(part[2][i], form) end
else
  items = redis.call('LRANGE', KEYS[1], ARGV[2], ARGV[2] + ARGV[3] - 1)
  if #items == tonumber(ARGV[3]) then on = tostring(ARGV[2] + ARGV[3]) end
end
for _, item in ipairs(items) do
  local len, at = string.match(item, '^(%d+) ()')
  if len then
    local queue = string.sub(item, at, at + len - 1)
    count[queue] = (count[queue] or 0) + 1
  end
end
out[1] = on
for queue, n in pairs(count) do
  out[#out + 1] = queue
  out[#out + 1] = n
end
return out
