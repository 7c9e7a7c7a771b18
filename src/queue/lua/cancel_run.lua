-- cancel_run: a run shall end, whole. What waits of it is taken out; for what runs a wish is left, which its
-- supervisor, or `start`, or whoever takes a lease over, honours. Safe to repeat.
-- KEYS 1 drover:run:JID, 2 drover:cancel, 3 drover:paused:jobs, 4 drover:delayed, 5 drover:delayed:jobs, 6 failed
-- ARGV 1 prefix, 2 jid, 3 time (RFC 3339), 4 time (epoch ms), 5 how long its record is kept, in ms, 6 how long its
--      request id is, in ms, 7 audit entry, 8 the same where some of it still runs, 9 class, 10 what would make it
--      unique, 11 its record in the failed list or "", 12 queue of a job to follow or "", 13 that job, then per job
--      of the run that was seen to wait in a list: queue | parked, name of the queue or class, jid, the bytes there
-- answers cancelled | asked | ended (before) | none (there is no record), the state found, and how many jobs of it
--      should wait but were not where they were seen: those have a wish, and may be looked for again
redis.call('DEL', KEYS[2] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
local prefix, jid = ARGV[1], ARGV[2]
local ENDS, WAITS = {done = true, failed = true, cancelled = true}, {queued = true, delayed = true, parked = true,
  retrying = true, interrupted = true, throttled = true, paused = true}

-- include: run_units
-- include: run_noted
-- include: wake
-- include: run_ended

local state = redis.call('HGET', KEYS[1], 'state')
if not state then return {'none', '', 0} end
if state == 'done' or state == 'cancelled' then return {'ended', state, 0} end

local taken = {}
for i = 14, #ARGV, 4 do
  local key = prefix .. (ARGV[i] == 'parked' and 'drover:parked:' or 'queue:') .. ARGV[i + 1]
  if redis.pcall('LREM', key, 1, ARGV[i + 3]) == 1 then taken[ARGV[i + 2]] = true end
  if ARGV[i] == 'parked' and redis.call('EXISTS', key) == 0 then
    redis.call('SREM', prefix .. 'drover:parked', ARGV[i + 1])
  end
end

-- A member of drover:delayed is the jid, or jid/2 .. where a client gave that twice.
local function take_delayed(unit)
  local member, n, found = unit.jid, 1, false
  while redis.call('HDEL', KEYS[5], member) == 1 do
    redis.call('ZREM', KEYS[4], member)
    n, found = n + 1, true
    member = unit.jid .. '/' .. n
  end
  return found
end

local function is_taken(unit)
  local paused = redis.call('HDEL', KEYS[3], unit.jid) == 1
  return take_delayed(unit) or paused or taken[unit.jid]
end

-- What is taken out of a run that is divided is one of the parts that had not ended.
local function count_out(unit)
  if not divided or tonumber(unit.part) < 1 then return end
  redis.call('HINCRBY', KEYS[1], 'parts_left', -1)
  redis.call('HSET', KEYS[1], 'parts_cancelled', 1)
end

local units, found, open, astray = run_units(), false, false, 0
for _, unit in ipairs(units) do
  local shown = state
  if divided then shown = unit_state(unit) end
  if is_taken(unit) then
    set_unit_state(unit, 'cancelled')
    count_out(unit)
    found = true
  elseif (not divided or tonumber(unit.part) > 0) and not ENDS[shown] then
    open = true
    if WAITS[shown] then astray = astray + 1 end
  end
end
-- All parts had ended, and the run had not: the job that ends it, or that is over the failed items, is somewhere.
if divided and not found and not open and state ~= 'failed' then
  open, astray = true, WAITS[state] and 1 or 0
end

if open then
  redis.call('HSET', KEYS[2], jid, ARGV[4])        -- a wish for a run is one for each of its jobs
  redis.call('HSET', KEYS[1], 'state', 'cancelling')
  redis.call('HDEL', KEYS[1], 'next_at', 'reason')
  redis.pcall('HDEL', prefix .. 'drover:pause', jid)
  wake_supervisors(prefix .. 'drover:control')
  if state ~= 'cancelling' then run_noted(ARGV[8], ARGV[4]) end
  return {'asked', state, astray}
end
if ARGV[11] ~= '' then redis.pcall('LREM', KEYS[6], 1, ARGV[11]) end
free_waiting(ARGV[9], ARGV[10])
end_cancelled(jid, ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7])
if ARGV[12] ~= '' and redis.call('HEXISTS', KEYS[1], 'followed') == 0 then
  redis.call('SADD', prefix .. 'queues', ARGV[12])
  redis.call('RPUSH', prefix .. 'queue:' .. ARGV[12], ARGV[13])
end
return {'cancelled', state, 0}
