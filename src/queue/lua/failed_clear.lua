-- failed_clear: the failed list is emptied; answers how many records there were.
-- KEYS 1 failed
local n = redis.call('LLEN', KEYS[1])
redis.call('DEL', KEYS[1], string.sub(KEYS[1], 1, -7) .. 'drover:oversize')  -- and what its records point to
return n
