-- tick: what a living supervisor does once a second for all: puts delayed jobs whose time has come into their
-- queues, frees parked jobs nobody would free, looks whether a lease has expired, and reads what `watch` reads.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID, 3 queues, 4 pause-all-workers, 5 drover:paused, 6 drover:control,
--      7 drover:clock, 8 drover:delayed, 9 drover:delayed:jobs, 10 drover:parked, 11.. queues
-- ARGV 1 lease id, 2 prefix, 3 lease ms, 4 most to promote, 5 "members" to have the names of all queues
-- answers UNKNOWN, or TICK, Redis's time (ms), promoted, due time (ms) of the next delayed job (-1: none),
--      1 where a lease has expired and may be adopted, a timestamp of resque-scheduler that is due ("": none),
--      the first error met ("": none), the answer of `watch`
-- Safe to repeat: what is promoted stands in its queue, and nowhere else. What is wrong with one key or job
-- (a wrong type, nonsense in it) keeps nothing else from being done.
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local time = redis.call('TIME')
local now, lease_ms, prefix = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[3]), ARGV[2]
local REFUSED_AGAIN_MS, SCHEDULER_LOOK = 60000, 20
local trouble = ''

local function safely(fn, ...)
  local ok, result = pcall(fn, ...)
  if ok then return result end
  if trouble == '' then trouble = type(result) == 'table' and result.err or tostring(result) end
end

local function push(command, counted)          -- "LEN QUEUE PAYLOAD"
  local _, e, n = string.find(counted or '', '^(%d+) ')
  if not e then return false end
  local queue = string.sub(counted, e + 1, e + n)
  local pushed = redis.pcall(command, prefix .. 'queue:' .. queue, string.sub(counted, e + n + 2))
  if type(pushed) == 'table' and pushed.err then return false end
  redis.call('SADD', KEYS[3], queue)
  return true
end

-- include: position

local function promote(member)
  local job = redis.call('HGET', KEYS[9], member)
  if job and not push('RPUSH', string.match(job, '^%a+ (.*)$')) then
    redis.call('ZADD', KEYS[8], string.format('%.0f', now + REFUSED_AGAIN_MS), member)
    return 0                                   -- its queue is no list, or it is nonsense: out of the way of others
  end
  redis.call('ZREM', KEYS[8], member)
  redis.call('HDEL', KEYS[9], member)
  local jid = string.match(member, '^[^/]*')
  local of, part = string.match(jid, '^(.+)%.p(%d+)$')
  local run = prefix .. 'drover:run:' .. (of or jid)
  if redis.call('EXISTS', run) == 1 then
    if of then pcall(set_part_state, {run = of, key = run, parts = run .. ':parts', part = part}, 'queued')
    else redis.pcall('HSET', run, 'state', 'queued') end
    redis.pcall('HDEL', run, 'next_at', 'reason')
  end
  return 1
end

local promoted, next_due = 0, '-1'
safely(function()
  local due = redis.call('ZRANGEBYSCORE', KEYS[8], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[4])
  for _, member in ipairs(due) do promoted = promoted + promote(member) end
  next_due = redis.call('ZRANGE', KEYS[8], 0, 0, 'WITHSCORES')[2] or '-1'
end)

-- include: holder
-- include: unpark

-- Whoever ends a job frees the next parked one; this is for places that came free otherwise: holders that
-- vanished with lost data, a limit that rose, an unparked job that was cancelled.
local function free_parked(class)
  local running = prefix .. 'drover:running:' .. class
  for _, holder in ipairs(redis.call('SMEMBERS', running)) do
    if not holder_lives(holder) then redis.call('SREM', running, holder) end
  end
  unpark(class)
end
for _, class in ipairs(safely(redis.call, 'SMEMBERS', KEYS[10]) or {}) do safely(free_parked, class) end

local function lease_expired()
  local clock = redis.call('HMGET', KEYS[7], 'last', 'since')
  local last, since = tonumber(clock[1] or 0), tonumber(clock[2] or now)
  if now - last > lease_ms / 2 or now < last or now - since < lease_ms then return 0 end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, 2)) do
    if id ~= ARGV[1] then return 1 end
  end
  return 0
end

-- resque-scheduler's own master does this work itself, where one runs.
local function scheduler_due()
  local key = prefix .. 'delayed_queue_schedule'
  local due = redis.call('ZRANGEBYSCORE', key, '-inf', time[1], 'LIMIT', 0, SCHEDULER_LOOK)
  if not due[1] or redis.call('EXISTS', prefix .. prefix .. 'resque_scheduler_master_lock') == 1 then return '' end
  for _, timestamp in ipairs(due) do
    local kind = redis.call('TYPE', prefix .. 'delayed:' .. timestamp).ok
    if kind == 'list' or kind == 'none' then return timestamp end
  end
  return ''
end

local expired, scheduler = safely(lease_expired) or 0, safely(scheduler_due) or ''
local out = {'TICK', string.format('%.0f', now), promoted, next_due, expired, scheduler, trouble}

local paused = redis.pcall('GET', KEYS[4])
local stop = type(paused) == 'string' and string.lower((string.gsub(paused, '%s', ''))) == 'true'
local held = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[5])) do
  held[name] = true
  if name == '*' then stop = true end
end
out[#out + 1] = stop and 1 or 0
out[#out + 1] = redis.pcall('GET', KEYS[6]) or '0'
for k = 11, #KEYS do
  local n = redis.pcall('LLEN', KEYS[k])
  if type(n) == 'table' then n = -1 end
  if held[string.sub(KEYS[k], #prefix + 7)] then n = -2 end
  out[#out + 1] = n
end
if ARGV[5] == 'members' then
  for _, name in ipairs(redis.call('SMEMBERS', KEYS[3])) do out[#out + 1] = name end
end
return out
