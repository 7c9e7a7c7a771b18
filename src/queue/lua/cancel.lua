-- cancel: a job that waits is taken out of its place, by its bytes, and whatever stands for it goes with it.
-- Safe to repeat: the second time it is not there.
-- KEYS 1 queue:NAME | drover:delayed | drover:parked:CLASS, 2 drover:delayed:jobs (delayed), drover:parked (parked)
-- ARGV 1 prefix, 2 queue | delayed | parked, 3 its member (delayed), the class (parked), 4 the bytes that stand there,
--      5 jid or "", 6 class, 7 what would make it unique, 8 time (RFC 3339), 9 time (epoch ms),
--      10 how long its run record is kept, in ms, 11 how long its request id is, in ms, 12 audit entry,
--      13 the run it is a part of or "", 14 the number of that part
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

-- include: run_ended
-- include: position

free_waiting(ARGV[6], ARGV[7])
if ARGV[13] == '' then
  end_cancelled(jid, ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12])
  return 1
end

-- A part: the others go on, and the run ends with the last of them.
local run = prefix .. 'drover:run:' .. ARGV[13]
if redis.call('EXISTS', run) == 0 then return 1 end
redis.call('HSET', run .. ':parts', ARGV[14] .. ':state', 'cancelled')
redis.call('HSET', run, 'parts_cancelled', 1)
local left = tonumber(ARGV[14]) > 0 and redis.call('HINCRBY', run, 'parts_left', -1) or 0
if left <= 0 then
  end_cancelled(ARGV[13], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12])
elseif redis.call('HGET', run, 'state') == 'queued' then
  redis.call('HSET', run, 'state', rest_state(run .. ':parts') or 'running')
end
return 1
