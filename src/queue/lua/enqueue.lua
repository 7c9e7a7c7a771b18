-- enqueue: a job to the end of its queue, as Resque's client does it, or among those that wait for their time,
-- with its locks and its run record. With a request id it may be asked again, without one it may not.
-- KEYS 1 queues, 2 queue:NAME, 3 drover:delayed, 4 drover:delayed:jobs, 5 drover:run:JID, 6 drover:run:JID:audit,
--      7 drover:runs, 8 drover:id:KEY
-- ARGV 1 prefix, 2 jid, 3 queue, 4 payload, 5 when it is due, in ms of Redis's clock, or "" for now,
--      6 what the request id stands for, or "" (there is none), 7 how long that is kept, in ms,
--      8 what makes it unique, or "" (it is not), 9 how long that lock is kept while it waits, in ms,
--      10 class, 11 where jobs fired by a schedule are counted: skip | queue-one | replace, else "",
--      12 audit entry, or "" (no run record), 13 time (epoch ms), then field, value of the run record
-- answers new | same (request id) | other (it stands for something else) | duplicate (unique) | overlap, a jid,
--      its state or ""
local prefix, jid, now = ARGV[1], ARGV[2], ARGV[5] == ''

local function state_of(other)
  return redis.call('HGET', prefix .. 'drover:run:' .. other, 'state') or ''
end

-- include: holder

local content = ARGV[6] ~= '' and redis.sha1hex(ARGV[6])
if content then
  local known, digest = string.match(redis.call('GET', KEYS[8]) or '', '^(%S+) (%S+)$')
  if known then return {digest == content and 'same' or 'other', known, state_of(known)} end
end

-- A holder whose supervisor went without a word holds nothing.
local lock = ARGV[8] ~= '' and prefix .. 'drover:unique:' .. redis.sha1hex(ARGV[8])
local first, holder = string.match(lock and redis.call('GET', lock) or '', '^(%S+) ?(.*)$')
if first and (holder == '' or holder_lives(holder)) then
  if content then redis.call('SET', KEYS[8], first .. ' ' .. content, 'PX', ARGV[7]) end
  local state = state_of(first)
  return {'duplicate', first, state == '' and holder ~= '' and 'running' or state}
end

-- As `fire` counts them: what is in the way, and whom this one replaces.
local mode, overlap, replaced, time_ms = ARGV[11], prefix .. 'drover:overlap:' .. ARGV[10], {}, 0
if mode ~= '' then
  local time = redis.call('TIME')
  time_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  local jobs = redis.call('HGETALL', overlap)
  for i = 1, #jobs, 2 do
    local expires = tonumber(string.match(jobs[i + 1], '^waiting (%d+)$'))
    local waits = expires and expires > time_ms
    if waits or (not expires and holder_lives(string.sub(jobs[i + 1], 9))) then
      if mode == 'skip' or (mode == 'queue-one' and waits) then
        return {'overlap', jobs[i], waits and state_of(jobs[i]) or 'running'}
      end
      if mode == 'replace' then replaced[#replaced + 1] = {jid = jobs[i], waits = waits} end
    end
  end
end

-- What is of a wrong type is found out by reading; the first write is the one that counts, and where that is
-- refused nothing is left.
redis.call('SISMEMBER', KEYS[1], ARGV[3])
if now then
  redis.call('RPUSH', KEYS[2], ARGV[4])
  redis.call('SADD', KEYS[1], ARGV[3])
else
  redis.call('ZSCORE', KEYS[3], jid)
  redis.call('HSET', KEYS[4], jid, table.concat({'delayed', #ARGV[3], ARGV[3], ARGV[4]}, ' '))
  redis.call('ZADD', KEYS[3], ARGV[5], jid)
end
if content then redis.call('SET', KEYS[8], jid .. ' ' .. content, 'PX', ARGV[7]) end
if lock then redis.call('SET', lock, jid, 'PX', ARGV[9]) end
if mode ~= '' then redis.call('HSET', overlap, jid, 'waiting ' .. string.format('%.0f', time_ms + ARGV[9])) end
for _, other in ipairs(replaced) do
  redis.call('HSET', prefix .. 'drover:cancel', other.jid, string.format('%.0f', time_ms))
  if other.waits then redis.call('HDEL', overlap, other.jid) end
end
if #replaced > 0 then redis.call('INCR', prefix .. 'drover:control') end
if ARGV[12] ~= '' then
  redis.call('HSET', KEYS[5], unpack(ARGV, 14))
  redis.call('RPUSH', KEYS[6], ARGV[12])
  redis.pcall('ZADD', KEYS[7], ARGV[13], jid)
end
return {'new', jid, now and 'queued' or 'delayed'}
