-- resume_run: a run goes on: the wish to pause it goes, and those of its jobs that were put by stand at the end of their
-- queues. Safe to repeat: what was moved is not there any more.
-- KEYS 1 drover:run:JID, 2 drover:pause, 3 drover:control, 4 drover:paused:jobs, 5 queues
-- ARGV 1 prefix, 2 jid, 3 time (epoch ms), 4 audit entry
-- answers ok | refused | lost (it is paused, but no job of it was put by) | none (no record), and the state found
redis.call('DEL', KEYS[2] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
local prefix, jid = ARGV[1], ARGV[2]

-- include: run_units
-- include: run_noted
-- include: wake

local state, wish = redis.call('HGET', KEYS[1], 'state'), redis.call('HGET', KEYS[2], jid)
if not state then return {'none', ''} end
local ENDS = {done = true, failed = true, cancelled = true, cancelling = true}
if ENDS[state] then
  redis.call('HDEL', KEYS[2], jid)
  return {'refused', state}
end
if state ~= 'paused' and state ~= 'pausing' and not wish then return {'refused', state} end

-- Enter first, remove last: a refusal at any line loses nothing.
local function put_back(unit)
  local text = redis.call('HGET', KEYS[4], unit.jid)
  local _, e, n = string.find(text or '', '^(%d+) ')
  if not e then return 0 end
  local queue = string.sub(text, e + 1, e + n)
  redis.call('RPUSH', prefix .. 'queue:' .. queue, string.sub(text, e + n + 2))
  redis.call('HDEL', KEYS[4], unit.jid)
  redis.call('SADD', KEYS[5], queue)
  set_unit_state(unit, 'queued')
  redis.call('HDEL', run .. ':parts', unit.part .. ':item', unit.part .. ':tries')   -- its tries begin anew
  return 1
end

local moved = 0
for _, unit in ipairs(run_units()) do moved = moved + put_back(unit) end
if state == 'paused' and moved == 0 then return {'lost', state} end
redis.call('HDEL', KEYS[2], jid)
if state == 'paused' then
  redis.call('HSET', KEYS[1], 'state', 'queued')
elseif state == 'pausing' then
  redis.call('HSET', KEYS[1], 'state', 'running')
end
local reason = wish and string.match(wish, '^%d+ (.*)$')
if state == 'paused' or redis.call('HGET', KEYS[1], 'reason') == reason then redis.call('HDEL', KEYS[1], 'reason') end
wake_supervisors(KEYS[3])
run_noted(ARGV[4], ARGV[3])
return {'ok', state}
