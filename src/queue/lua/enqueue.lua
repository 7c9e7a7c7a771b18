-- enqueue: a job to the end of its queue, as Resque's client does it, or among those that wait for their time,
-- with its locks and its run record. With a request id it may be asked again, without one it may not.
-- KEYS 1 queues, 2 queue:NAME, 3 drover:delayed, 4 drover:delayed:jobs, 5 drover:run:JID, 6 drover:run:JID:audit,
--      7 drover:runs, 8 drover:id:KEY
-- ARGV 1 prefix, 2 jid, 3 queue, 4 payload, 5 when it is due, in ms of Redis's clock, or "" for now,
--      6 what the request id stands for, or "" (there is none), 7 how long that is kept, in ms,
--      8 what makes it unique, or "" (it is not), 9 how long that lock is kept, in ms,
--      10 audit entry, or "" (no run record), 11 time (epoch ms), then field, value of the run record
-- answers new | same (request id) | other (it stands for something else) | duplicate (unique), a jid, its state or ""
local prefix, jid, now = ARGV[1], ARGV[2], ARGV[5] == ''

local function state_of(other)
  return redis.call('HGET', prefix .. 'drover:run:' .. other, 'state') or ''
end

local content = ARGV[6] ~= '' and redis.sha1hex(ARGV[6])
if content then
  local known, digest = string.match(redis.call('GET', KEYS[8]) or '', '^(%S+) (%S+)$')
  if known then return {digest == content and 'same' or 'other', known, state_of(known)} end
end

local lock = ARGV[8] ~= '' and prefix .. 'drover:unique:' .. redis.sha1hex(ARGV[8])
local holder = lock and redis.call('GET', lock)
if holder then
  local first = string.match(holder, '^%S+')
  if content then redis.call('SET', KEYS[8], first .. ' ' .. content, 'PX', ARGV[7]) end
  local state = state_of(first)
  if state == '' and string.find(holder, ' ', 1, true) then state = 'running' end
  return {'duplicate', first, state}
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
if ARGV[10] ~= '' then
  redis.call('HSET', KEYS[5], unpack(ARGV, 12))
  redis.call('RPUSH', KEYS[6], ARGV[10])
  redis.pcall('ZADD', KEYS[7], ARGV[11], jid)
end
return {'new', jid, now and 'queued' or 'delayed'}
