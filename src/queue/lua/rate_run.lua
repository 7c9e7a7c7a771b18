-- rate_run: how fast a run goes is changed, while it runs or before. Safe to repeat.
-- KEYS 1 drover:run:JID, 2 drover:control
-- ARGV 1 prefix, 2 jid, 3 time (epoch ms), 4 "ITEMS PER_MS", or "none" whatever its class says, 5 audit entry
-- answers ok | refused | plain (it does not iterate) | none (there is no record), and the state found
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
local prefix, jid = ARGV[1], ARGV[2]
local ENDS = {done = true, failed = true, cancelled = true, cancelling = true}

-- include: run_noted
-- include: wake

local known = redis.call('HMGET', KEYS[1], 'state', 'each')
local state, each = known[1], known[2]
if not state then return {'none', ''} end
if ENDS[state] then return {'refused', state} end
if not each then return {'plain', state} end
redis.call('HSET', KEYS[1], 'rate', ARGV[4])
redis.call('HDEL', KEYS[1], 'rate_next')      -- else a run that was slow would first wait as long as before
wake_supervisors(KEYS[2])
run_noted(ARGV[5], ARGV[3])
return {'ok', state}
