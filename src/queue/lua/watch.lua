-- watch: read what a supervisor wants to be woken by, and nothing else. Its KEYS are told to Redis's client
-- tracking (CLIENT CACHING YES goes before it): on 6.0 to 7.0 all declared keys are tracked, on 7.2 those read.
-- KEYS 1 queues (the set), 2 pause-all-workers, 3 drover:paused, 4 drover:control, 5.. queues
-- ARGV 1 prefix, 2 "members" to have the set's members too
-- answers paused (0 | 1), the version of drover:control, per queue its length (-1: the key is no list, -2: it is paused),
-- then the members
local paused = redis.pcall('GET', KEYS[2])
local stop = type(paused) == 'string' and string.lower((string.gsub(paused, '%s', ''))) == 'true'
local held = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[3])) do
  held[name] = true
  if name == '*' then stop = true end
end
local out = {stop and 1 or 0, redis.pcall('GET', KEYS[4]) or '0'}
for k = 5, #KEYS do
  local n = redis.pcall('LLEN', KEYS[k])
  if type(n) == 'table' then n = -1 end
  if held[string.sub(KEYS[k], #ARGV[1] + 7)] then n = -2 end
  out[#out + 1] = n
end
local members = redis.call('SMEMBERS', KEYS[1])
if ARGV[2] == 'members' then
  for _, name in ipairs(members) do out[#out + 1] = name end
end
return out
