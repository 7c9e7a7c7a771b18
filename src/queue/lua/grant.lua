-- grant: items that may be begun, from the rate a run shares over all its parts and supervisors.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 how far ahead of time may be granted (us), then per run: run, items wanted, "ITEMS
--      PER_MS" where its record has no rate of its own or ""
-- answers UNKNOWN, or GRANTED, then per run: items granted, us until the next can be had, "ITEMS PER_MS" ("": none)
-- Not to be sent again: what was granted to nobody is lost to the run, no more.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, ahead, out, i = ARGV[2], tonumber(ARGV[3]), {'GRANTED'}, 4
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function grant(run, wanted, rate, next_at)
  local items, per_ms = string.match(rate, '^(%d+) (%d+)$')
  local each = per_ms * 1000 / items
  -- The first grant of all is not ahead already: a short run would be too fast by that much.
  local from = math.max(tonumber(next_at or now + ahead - each), now)
  local n = math.min(wanted, math.floor((now + ahead - from) / each) + 1)
  if from > now + ahead then n = 0 end
  if n > 0 then
    from = from + n * each
    redis.call('HSET', run, 'rate_next', string.format('%.0f', from))
  end
  return n, math.max(0, from - ahead - now)
end

while ARGV[i] do
  local run = prefix .. 'drover:run:' .. ARGV[i]
  local known = redis.call('HMGET', run, 'rate', 'rate_next')
  local rate = known[1] or ARGV[i + 2]
  if rate == '' or rate == 'none' then
    out[#out + 1], out[#out + 2], out[#out + 3] = tonumber(ARGV[i + 1]), 0, ''
  else
    local n, wait = grant(run, tonumber(ARGV[i + 1]), rate, known[2])
    out[#out + 1], out[#out + 2], out[#out + 3] = n, math.ceil(wait), rate
  end
  i = i + 3
end
return out
