-- adopt: take one lease over whole: one that has expired, or the one named (the caller knows its owner gone).
-- KEYS 1 drover:supervisors, 2 drover:lease:ID of the caller, 3 drover:clock, 4 drover:taken
-- ARGV 1 lease id, 2 lease ms, 3 prefix, 4 number of this adoption, 5 lease to adopt or ""
-- answers UNKNOWN (the caller has no lease), OLD, or JOBS lease token entry .. ; lease "": there was none
-- May be sent again with the same number: the same entries are answered, nothing more is taken over.
-- Its id enters drover:taken first: from there on its owner is told TAKEN.
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local time = redis.call('TIME')
local now, lease_ms = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[2])
local prefix, number, named = ARGV[3], tonumber(ARGV[4]), ARGV[5]

local function token_of(i) return '~adopt.' .. ARGV[4] .. '.' .. i end

local mark = redis.call('HGET', KEYS[2], '#~adopt') or '0'
local last, count, dead = string.match(mark, '^(%d+) (%d+) (.*)$')
if not last then last, count, dead = mark, 0, '' end    -- none yet, or entered again after a loss of data
if tonumber(last) > number then return {'OLD'} end
if tonumber(last) == number then
  local out = {'JOBS', dead}
  for i = 1, count do
    local entry = redis.call('HGET', KEYS[2], token_of(i))
    if entry then out[#out + 1] = token_of(i); out[#out + 1] = entry end
  end
  return out
end

-- After a silence of Redis everybody has one whole lease to come back.
local function expired()
  local clock = redis.call('HMGET', KEYS[3], 'last', 'since')
  local beat, since = tonumber(clock[1] or 0), tonumber(clock[2] or now)
  if now - beat > lease_ms / 2 or now < beat then since = now end
  redis.call('HSET', KEYS[3], 'last', string.format('%.0f', now), 'since', string.format('%.0f', since))
  if now - since < lease_ms then return nil end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, 2)) do
    if id ~= ARGV[1] then return id end
  end
end

dead = named ~= '' and named or expired()
if not dead or dead == ARGV[1] then return {'JOBS', ''} end
local theirs = prefix .. 'drover:lease:' .. dead
local fields = redis.call('HKEYS', theirs)
if named ~= '' and #fields == 0 and not redis.call('ZSCORE', KEYS[1], named) then return {'JOBS', ''} end

redis.call('ZADD', KEYS[4], string.format('%.0f', now), dead)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now - 86400000))
redis.call('ZREM', KEYS[1], dead)
redis.call('HSET', KEYS[2], '#~adopt', ARGV[4] .. ' ' .. #fields .. ' ' .. dead)

-- What a token holds it holds under its new name. A lock that cannot be renamed is one nobody has any more.
local function rename(kind, name, jid, old, new)
  local key = prefix .. 'drover:' .. kind .. ':' .. name
  if kind == 'running' and redis.call('SREM', key, old) == 1 then redis.call('SADD', key, new) end
  if kind == 'unique' and redis.call('GET', key) == jid .. ' ' .. old then redis.call('SET', key, jid .. ' ' .. new) end
  if kind == 'overlap' and redis.call('HGET', key, jid) == 'running ' .. old then
    redis.call('HSET', key, jid, 'running ' .. new)
  end
end

local function rename_locks(token, mine)
  local locks, at = redis.call('HGET', theirs, '!' .. token), 1
  if not locks then return end
  local old, new = dead .. ' ' .. token, ARGV[1] .. ' ' .. mine
  redis.call('HSET', KEYS[2], '!' .. mine, locks)
  while at <= #locks do
    local _, e, kind, n = string.find(locks, '^(%a+) (%d+) ', at)
    local name = string.sub(locks, e + 1, e + n)
    local _, next_at, jid = string.find(locks, '^ (%S+) %d+\n', e + n + 1)
    pcall(rename, kind, name, jid, old, new)
    at = next_at + 1
  end
end

-- Its workers as Resque knows them, but for ids that a living supervisor has by now.
local function forget_workers()
  local claimed = '\n'
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    claimed = claimed .. (redis.call('HGET', prefix .. 'drover:supervisor:' .. id, 'worker_ids') or '') .. '\n'
  end
  local ids = redis.call('HGET', prefix .. 'drover:supervisor:' .. dead, 'worker_ids') or ''
  for id in string.gmatch(ids, '[^\n]+') do
    if not string.find(claimed, '\n' .. id .. '\n', 1, true) then
      redis.call('SREM', prefix .. 'workers', id)
      redis.call('HDEL', prefix .. 'workers:heartbeat', id)
      redis.call('DEL', prefix .. 'worker:' .. id, prefix .. 'worker:' .. id .. ':started',
        prefix .. 'stat:processed:' .. id, prefix .. 'stat:failed:' .. id)
    end
  end
  redis.call('DEL', prefix .. 'drover:supervisor:' .. dead)
end

-- In the order in which they were taken; the adopter gives them back in the same.
local tokens = {}
for _, field in ipairs(fields) do
  local first = string.sub(field, 1, 1)
  if first ~= '#' and first ~= '!' then tokens[#tokens + 1] = field end
end
local function place(token)
  local n, i = string.match(token, '%.(%d+)%.(%d+)$')
  return tonumber(n or 0), tonumber(i or 0)
end
table.sort(tokens, function(a, b)
  local n, i = place(a)
  local m, k = place(b)
  if n ~= m then return n < m end
  if i ~= k then return i < k end
  return a < b
end)

local out = {'JOBS', dead}
for i, token in ipairs(tokens) do
  local entry = redis.call('HGET', theirs, token)
  redis.call('HSET', KEYS[2], token_of(i), entry)
  pcall(rename_locks, token, token_of(i))       -- an error here would leave the rest in a lease nobody names
  redis.call('HDEL', theirs, token, '!' .. token)
  out[#out + 1] = token_of(i)
  out[#out + 1] = entry
end
redis.call('DEL', theirs)
pcall(forget_workers)
return out
