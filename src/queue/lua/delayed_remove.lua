-- delayed_remove: one item of resque-scheduler's, named by its bytes and its second, is taken out. A second without
-- items goes too, as resque-scheduler does it when that is due.
-- KEYS 1 delayed:SECOND, 2 timestamps:ITEM, 3 delayed_queue_schedule
-- ARGV 1 item, 2 "delayed:SECOND", 3 SECOND
-- answers 1, or 0 where it is not there any more
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
local again = false
for _, item in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  again = again or item == ARGV[1]
end
if not again then redis.pcall('SREM', KEYS[2], ARGV[2]) end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.pcall('ZREM', KEYS[3], ARGV[3]) end
return 1
