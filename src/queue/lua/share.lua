-- share: a part of a run gives its later half away as a part of its own. Under the token of the part that is made
-- shorter, once its child goes by the new end.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 token, 4 run, 5 part, 6 its new end, 7 the new part, 8 number of the item before it,
--      9 cursor there, 10 queue, 11 payload of the new part
-- answers UNKNOWN | stale | known (it was done before) | shared
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
if redis.call('HEXISTS', KEYS[2], ARGV[3]) == 0 then return {'stale'} end
local run = ARGV[2] .. 'drover:run:' .. ARGV[4]
local parts, at = run .. ':parts', ARGV[7] .. ':'
local old = tonumber(redis.call('HGET', parts, ARGV[5] .. ':end') or 0)
redis.call('HDEL', run, 'steal')
if redis.call('HEXISTS', parts, at .. 'state') == 1 or old <= tonumber(ARGV[6]) then return {'known'} end
redis.call('LPUSH', ARGV[2] .. 'queue:' .. ARGV[10], ARGV[11])
redis.call('SADD', ARGV[2] .. 'queues', ARGV[10])
redis.call('HSET', parts, at .. 'state', 'queued', at .. 'number', ARGV[8], at .. 'first', ARGV[8], at .. 'cursor', ARGV[9],
  at .. 'end', string.format('%.0f', old), at .. 'done', 0, at .. 'errors', 0, ARGV[5] .. ':end', ARGV[6])
redis.call('HINCRBY', run, 'parts', 1)
redis.call('HINCRBY', run, 'parts_left', 1)
return {'shared'}
