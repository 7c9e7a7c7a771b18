-- cancel: a job that waits is taken out of its place, by its bytes, and whatever stands for it goes with it.
-- Safe to repeat: the second time it is not there.
-- KEYS 1 queue:NAME | drover:delayed | drover:parked:CLASS, 2 drover:delayed:jobs (delayed), drover:parked (parked)
-- ARGV 1 prefix, 2 queue | delayed | parked, 3 its member (delayed), the class (parked), 4 the bytes that stand there,
--      5 jid or "", 6 class, 7 what would make it unique, 8 time (RFC 3339), 9 time (epoch ms),
--      10 how long its run record is kept, in ms, 11 how long its request id is, in ms, 12 audit entry
-- answers 1, or 0 where it is not there any more
local prefix, jid = ARGV[1], ARGV[5]
local take = {}

function take.queue() return redis.call('LREM', KEYS[1], 1, ARGV[4]) == 1 end

function take.delayed()
  if redis.call('HGET', KEYS[2], ARGV[3]) ~= ARGV[4] then return false end
  redis.call('ZREM', KEYS[1], ARGV[3])
  redis.call('HDEL', KEYS[2], ARGV[3])
  return true
end

function take.parked()
  if redis.call('LREM', KEYS[1], 1, ARGV[4]) == 0 then return false end
  if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[3]) end
  return true
end

if not take[ARGV[2]]() then return 0 end
if jid == '' then return 1 end

local lock = prefix .. 'drover:unique:' .. redis.sha1hex(ARGV[7])
if redis.pcall('GET', lock) == jid then redis.call('DEL', lock) end
redis.pcall('HDEL', prefix .. 'drover:overlap:' .. ARGV[6], jid)
redis.pcall('HDEL', prefix .. 'drover:cancel', jid)

local run = prefix .. 'drover:run:' .. jid
if redis.call('EXISTS', run) == 1 then
  redis.call('HSET', run, 'state', 'cancelled', 'ended_at', ARGV[8])
  redis.call('HDEL', run, 'next_at')
  redis.call('PEXPIRE', run, ARGV[10])
  redis.pcall('RPUSH', run .. ':audit', ARGV[12])
  redis.pcall('LTRIM', run .. ':audit', -100, -1)
  redis.pcall('PEXPIRE', run .. ':audit', ARGV[10])
  redis.pcall('ZADD', prefix .. 'drover:runs', ARGV[9], jid)
  local request = redis.call('HGET', run, 'request_id')
  if request then redis.call('PEXPIRE', prefix .. 'drover:id:' .. request, ARGV[11]) end
end
return 1
