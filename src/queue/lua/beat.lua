-- beat: keep (or, at first, make) a lease, and compare what Redis thinks it holds with what its owner holds.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID, 3 drover:clock, 4 drover:taken, 5 drover:supervisor:ID
-- ARGV 1 lease id, 2 lease ms, 3 register | beat, 4 how many pools, then pool, last number answered, each;
--      then how many tokens are in hand, the tokens; then field, value ... of the record for people
-- answers TAKEN (somebody took the lease over), FORGOTTEN (Redis lost it), or
--      OK, then orphan token entry (in the lease, answered, but not in hand) | missing token "" (the reverse)
-- The recovery clock: `since` is set anew after every silence of Redis, so that nobody is taken over for it.
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
local time = redis.call('TIME')
local now, lease = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[2])
local clock = redis.call('HMGET', KEYS[3], 'last', 'since')
local last, since = tonumber(clock[1] or 0), tonumber(clock[2] or now)
if now - last > lease / 2 or now < last then since = now end
redis.call('HSET', KEYS[3], 'last', string.format('%.0f', now), 'since', string.format('%.0f', since))
redis.call('PEXPIRE', KEYS[3], 86400000)

if redis.call('ZSCORE', KEYS[4], ARGV[1]) then return {'TAKEN'} end
if ARGV[3] == 'beat' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'FORGOTTEN'} end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + lease), ARGV[1])

local answered, held, i = {}, {}, 5
for _ = 1, tonumber(ARGV[4]) do
  answered[ARGV[i]] = tonumber(ARGV[i + 1])
  i = i + 2
end
local tokens = tonumber(ARGV[i])
for k = i + 1, i + tokens do held[ARGV[k]] = true end
i = i + tokens + 1
if ARGV[i] then
  redis.call('HSET', KEYS[5], unpack(ARGV, i))
  redis.call('HSET', KEYS[5], 'beat_ms', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[5], 86400000)
end

local out = {'OK'}
for _, token in ipairs(redis.call('HKEYS', KEYS[2])) do
  local first = string.sub(token, 1, 1)
  if first ~= '#' and first ~= '!' then
    local pool, number = string.match(token, '^(.*)%.(%d+)%.%d+$')
    if not held[token] and answered[pool] and tonumber(number) <= answered[pool] then
      out[#out + 1] = 'orphan'
      out[#out + 1] = token
      out[#out + 1] = redis.call('HGET', KEYS[2], token)
    end
    held[token] = nil
  end
end
for token in pairs(held) do
  out[#out + 1] = 'missing'
  out[#out + 1] = token
  out[#out + 1] = ''
end
return out
