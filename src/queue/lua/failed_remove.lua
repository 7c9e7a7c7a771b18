-- failed_remove: one record, named by its bytes, leaves the failed list, with the large payload it points to.
-- KEYS 1 failed, 2 drover:oversize
-- ARGV 1 record, 2 field of drover:oversize or ""
-- answers 1, or 0 where the record is not there
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
if ARGV[2] ~= '' then redis.pcall('HDEL', KEYS[2], ARGV[2]) end
return 1
