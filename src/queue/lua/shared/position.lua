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
end

-- What a run does while no part of it is at work: nil where one is.
local function rest_state(parts)
  local fields, seen = redis.call('HGETALL', parts), {}
  for k = 1, #fields, 2 do
    if string.find(fields[k], '^[1-9]%d*:state$') then seen[fields[k + 1]] = true end
  end
  if seen.running then return nil end
  return (seen.queued and 'queued') or (seen.delayed and 'delayed') or (seen.paused and 'paused')
end

local function set_part_state(p, state)
  redis.call('HSET', p.parts, p.part .. ':state', state)
  local rest = rest_state(p.parts)
  if rest then redis.call('HSET', p.key, 'state', rest) end
end
