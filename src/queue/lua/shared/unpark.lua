-- Places of a class are free: the jobs that wait longest for one go to the head of their queue, the first in
-- front. Their places are kept for them for a minute. Included by scripts that have `prefix`.
local UNPARKED_FOR_MS = 60000
local function unpark(class)
  local parked, unparked = prefix .. 'drover:parked:' .. class, prefix .. 'drover:unparked:' .. class
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', unparked, '-inf', string.format('%.0f', now))
  local free = tonumber(redis.call('HGET', prefix .. 'drover:limits', class) or 1)
    - redis.call('SCARD', prefix .. 'drover:running:' .. class) - redis.call('ZCARD', unparked)
  local first = free > 0 and redis.call('LRANGE', parked, 0, free - 1) or {}
  local refused = {}
  for i = #first, 1, -1 do                         -- "LEN QUEUE PAYLOAD"
    local _, e, n = string.find(first[i], '^(%d+) ')
    local queue, payload = e and string.sub(first[i], e + 1, e + n), e and string.sub(first[i], e + n + 2)
    local pushed = e and redis.pcall('LPUSH', prefix .. 'queue:' .. queue, payload)
    if type(pushed) == 'number' then
      redis.pcall('SADD', prefix .. 'queues', queue)
      redis.call('ZADD', unparked, string.format('%.0f', now + UNPARKED_FOR_MS), redis.sha1hex(payload))
      redis.call('PEXPIRE', unparked, 2 * UNPARKED_FOR_MS)
    else
      refused[#refused + 1] = first[i]             -- no list, or nonsense: it stays
    end
  end
  if #first > #refused then
    redis.call('LTRIM', parked, #first, -1)
    for _, job in ipairs(refused) do redis.call('LPUSH', parked, job) end
  end
  if redis.call('LLEN', parked) == 0 then
    redis.call('SREM', prefix .. 'drover:parked', class)
    redis.call('HDEL', prefix .. 'drover:limits', class)
  end
end
