-- retry_errors: the items of a run that failed are gone over again, in the same run: a job for them stands at the end
-- of its queue. Only of one that is done: a failed one has items before it, and goes on by failed_retry. Safe to
-- repeat: rounds are counted.
-- KEYS 1 drover:run:JID, 2 drover:run:JID:errors, 3 queues, 4 queue:NAME, 5 drover:cancel
-- ARGV 1 prefix, 2 jid, 3 time (epoch ms), 4 the round this is, 5 queue, 6 the job, 7 audit entry
-- answers ok | refused | nothing (no item failed) | again (another round came in between) | none, the state found,
--      how many items
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
local prefix, jid = ARGV[1], ARGV[2]

-- include: run_units
-- include: run_noted

local known = redis.call('HMGET', KEYS[1], 'state', 'round')
local state, round = known[1], known[2] or '0'
if not state then return {'none', '', 0} end
if state ~= 'done' then return {'refused', state, 0} end
local items = redis.call('HLEN', KEYS[2])
if items == 0 then return {'nothing', state, 0} end
if round + 1 ~= tonumber(ARGV[4]) then return {'again', state, items} end

redis.call('RPUSH', KEYS[4], ARGV[6])         -- enter first: a refusal at any line loses nothing
redis.call('SADD', KEYS[3], ARGV[5])
redis.call('HSET', KEYS[1], 'state', 'queued', 'round', ARGV[4], 'attempt', 1)
redis.call('HSET', KEYS[1], 'followed', 1)    -- what follows it has been begun
redis.call('HDEL', KEYS[1], 'ended_at', 'next_at', 'worker', 'error', 'exception')
redis.pcall('HDEL', KEYS[5], jid)             -- who wants it again wants it to run
for _, key in ipairs({'', ':audit', ':parts', ':errors', ':log'}) do redis.call('PERSIST', run .. key) end
run_noted(ARGV[7], ARGV[3])
return {'ok', state, items}
