-- How far an iterating job is: "RUN PART NUMBER DONE ERRORS END ITEM TRIES SPEED CURSOR" (NUMBER "-": nothing is
-- known, whose it is alone counts; END "-": that of the collection; ITEM "0": none in hand that was tried). It stands
-- in drover:run:RUN:parts under PART: a run that is not divided is part 0, parts are numbered from 1, what is due when
-- all are done is -1. The run's own sums go with it. A position never goes backwards. Included by scripts that have
-- `prefix`.
local function read_position(text)
  local run, part, number, done, errors, last, item, tries, speed, cursor =
    string.match(text, '^(%S+) (%S+) (%S+) (%d+) (%d+) (%S+) (%d+) (%d+) (%S+) (.*)$')
  return run and {run = run, part = part, number = tonumber(number), done = tonumber(done), errors = tonumber(errors),
    last = last, item = item, tries = tries, speed = speed, cursor = cursor, key = prefix .. 'drover:run:' .. run,
    parts = prefix .. 'drover:run:' .. run .. ':parts'}
end

local function save_position(p, now_ms)
  local at = p.part .. ':'
  local old = redis.call('HMGET', p.parts, at .. 'number', at .. 'done', at .. 'errors', at .. 'speed')
  if not p.number or p.number < tonumber(old[1] or 0) then return end
  redis.call('HSET', p.parts, at .. 'number', p.number, at .. 'done', p.done, at .. 'errors', p.errors,
    at .. 'cursor', p.cursor, at .. 'item', p.item, at .. 'tries', p.tries, at .. 'speed', p.speed, at .. 'at', now_ms)
  local done, errors = p.done - tonumber(old[2] or 0), p.errors - tonumber(old[3] or 0)
  if done ~= 0 then redis.call('HINCRBY', p.key, 'done', done) end
  if errors ~= 0 then redis.call('HINCRBY', p.key, 'errors', errors) end
  local speed = tonumber(p.speed) - tonumber(old[4] or 0)
  if speed ~= 0 then redis.call('HINCRBYFLOAT', p.key, 'speed', string.format('%.1f', speed)) end
  redis.call('HSET', p.key, 'flushed_at', now_ms)
  if p.part ~= '0' then redis.call('HSETNX', p.parts, at .. 'state', 'running') end   -- Redis lost data meanwhile
end

-- How many parts of a run are in which state.
local function count_states(parts)
  local fields, seen = redis.call('HGETALL', parts), {}
  for k = 1, #fields, 2 do
    if string.find(fields[k], '^[1-9]%d*:state$') then seen[fields[k + 1]] = (seen[fields[k + 1]] or 0) + 1 end
  end
  return seen
end

-- What a run does while no part of it is at work: nil where one is, or none is left.
local RESTS = {'queued', 'throttled', 'interrupted', 'retrying', 'delayed', 'parked', 'paused'}
local function rest_state(parts)
  local seen = count_states(parts)
  if seen.running then return nil end
  for _, state in ipairs(RESTS) do
    if seen[state] then return state end
  end
end

-- The state of one that waits for a time, by why it does.
local LATER = {throttle = 'throttled', rate = 'throttled', backoff = 'interrupted', interrupted = 'interrupted', retry = 'retrying'}

-- What its parts make of a run that goes on; one that is being cancelled stays so until its last part has ended.
local function set_rest(p)
  local rest = rest_state(p.parts)
  if not rest or redis.call('HGET', p.key, 'state') == 'cancelling' then return end
  if redis.call('HEXISTS', prefix .. 'drover:pause', p.run) == 1 then rest = 'paused' end
  redis.call('HSET', p.key, 'state', rest)
end

local function set_part_state(p, state)
  redis.call('HSET', p.parts, p.part .. ':state', state)
  set_rest(p)
end
