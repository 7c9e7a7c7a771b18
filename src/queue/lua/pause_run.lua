-- pause_run: somebody wants a run paused. One that runs stops behind the item in hand; one that waits is held back when
-- its turn comes, by `start`. The wish stands until it is resumed or has ended. Safe to repeat.
-- KEYS 1 drover:run:JID, 2 drover:pause, 3 drover:control
-- ARGV 1 prefix, 2 jid, 3 time (epoch ms), 4 reason or "", 5 audit entry
-- answers ok | refused | plain (it runs and does not iterate) | none (there is no record), and the state found
redis.call('DEL', KEYS[2] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
local prefix, jid, reason = ARGV[1], ARGV[2], ARGV[4]
local MAY = {running = true, pausing = true, queued = true, delayed = true, parked = true, retrying = true,
  interrupted = true, throttled = true}

-- include: run_noted
-- include: wake

local known = redis.call('HMGET', KEYS[1], 'state', 'each')
local state, each = known[1], known[2]
if not state then return {'none', ''} end
if not MAY[state] then return {'refused', state} end
if state == 'running' and not each then return {'plain', state} end
redis.call('HSET', KEYS[2], jid, ARGV[3] .. ' ' .. reason)
if state == 'running' then redis.call('HSET', KEYS[1], 'state', 'pausing') end
if reason ~= '' then redis.call('HSET', KEYS[1], 'reason', reason) end
wake_supervisors(KEYS[3])
run_noted(ARGV[5], ARGV[3])
return {'ok', state}
