-- fire: one firing of a schedule, once over all supervisors and restarts.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 name, 4 nominal time (epoch s; "": only look), then where it fires: class, queue,
--      jid, payload, overlap (allow | skip | queue-one | replace), how long a waiting job counts (ms)
-- answers UNKNOWN, or what (fired | skipped | known), last nominal time fired, jids of jobs that were replaced ..
-- A name that was never seen begins now: it catches nothing up. May be sent again: a time fires once.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, name = ARGV[2], ARGV[3]
local schedule, time = prefix .. 'drover:schedule', redis.call('TIME')
redis.call('HSETNX', schedule, name, time[1])
local last = redis.call('HGET', schedule, name)
if not tonumber(last) then                    -- nonsense: as if it had never been seen
  last = time[1]
  redis.call('HSET', schedule, name, last)
end
local nominal = ARGV[4]
if nominal == '' or tonumber(last) >= tonumber(nominal) then return {'known', last} end

local class, queue, jid, payload, mode = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local overlap, now = prefix .. 'drover:overlap:' .. class, time[1] * 1000 + math.floor(time[2] / 1000)
-- include: holder

local function alive(state)
  local expires = string.match(state, '^waiting (%d+)$')
  if expires then return tonumber(expires) > now end
  return holder_lives(string.sub(state, 9))        -- behind `running `
end

local out, in_the_way = {'fired', nominal}, {allow = 0, skip = 0, ['queue-one'] = 0, replace = 0}
if mode ~= 'allow' then
  local jobs = redis.call('HGETALL', overlap)
  for i = 1, #jobs, 2 do
    if not alive(jobs[i + 1]) then
      redis.call('HDEL', overlap, jobs[i])
    else
      in_the_way.skip = 1
      if string.sub(jobs[i + 1], 1, 7) == 'waiting' then in_the_way['queue-one'] = 1 end
      if mode == 'replace' then out[#out + 1] = jobs[i] end
    end
  end
end
if in_the_way[mode] == 1 then
  redis.call('HSET', schedule, name, nominal)
  return {'skipped', nominal}
end
redis.call('SADD', prefix .. 'queues', queue)       -- may be refused; behind the push it would fire again and again
redis.call('RPUSH', prefix .. 'queue:' .. queue, payload)
redis.call('HSET', schedule, name, nominal)
if mode ~= 'allow' then
  redis.call('HSET', overlap, jid, 'waiting ' .. string.format('%.0f', now + ARGV[10]))
end
for i = 3, #out do
  redis.call('HSET', prefix .. 'drover:cancel', out[i], string.format('%.0f', now))
  if string.sub(redis.call('HGET', overlap, out[i]), 1, 7) == 'waiting' then redis.call('HDEL', overlap, out[i]) end
end
if #out > 2 then redis.call('INCR', prefix .. 'drover:control') end
return out
