-- fsck: one finding looked at again and, if asked for, mended, in one step that nothing can come between.
-- ARGV 1 prefix, 2 look | mend, 3 kind, 4 the key where it is (without prefix), 5.. what the kind needs
-- answers 0 it does not hold (any more), 1 it holds, 2 it was mended
-- Mending enters first and removes last, and never changes a payload's text.
local prefix, kind, where, a, b, c = ARGV[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local call = redis.call
local function key(name) return prefix .. name end
local here, supervisors, queues, parked = key(where), key('drover:supervisors'), key('queues'), key('drover:parked')
local time = call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local function text_of(ms) return string.format('%.0f', ms) end

local function is_named(lease) return call('ZSCORE', supervisors, lease) end

local function has_entries(lease)
  for _, field in ipairs(call('HKEYS', key('drover:lease:' .. lease))) do
    local first = string.sub(field, 1, 1)
    if first ~= '#' and first ~= '!' then return true end
  end
  return false
end

-- "LEASE TOKEN"; a supervisor's name may hold blanks.
local LEASE_AND_TOKEN = '^(.-:%d+:' .. string.rep('%x', 16) .. ') (.+)$'
local function is_held(holder)
  local lease, token = string.match(holder or '', LEASE_AND_TOKEN)
  return lease and call('HEXISTS', key('drover:lease:' .. lease), token) == 1
end

-- Does a supervisor of ours claim this worker, by its record or by the process in the worker's id?
local function is_claimed(worker, owner)
  for _, lease in ipairs(call('ZRANGE', supervisors, 0, -1)) do
    local ids = call('HGET', key('drover:supervisor:' .. lease), 'worker_ids')
    if ids and string.find('\n' .. ids .. '\n', '\n' .. worker .. '\n', 1, true) then return true end
    local name, pid = string.match(lease, '^(.*):(%d+):%x+$')
    if name and string.gsub(name, '[:/, \t]', '-') .. ':' .. pid .. ':' == owner then return true end
  end
  return false
end

-- The first parked job of a class ("LEN QUEUE PAYLOAD") goes back to the head of its queue.
local function put_back(class)
  local list = key('drover:parked:' .. class)
  local len, from = string.match(call('LINDEX', list, 0) or '', '^(%d+) ()')
  if not len then return false end
  local item = call('LINDEX', list, 0)
  local queue, payload = string.sub(item, from, from + len - 1), string.sub(item, from + len + 1)
  call('SADD', queues, queue)
  call('LPUSH', key('queue:' .. queue), payload)
  call('LPOP', list)
  if call('EXISTS', list) == 0 then call('SREM', parked, class) end
  return true
end

local function free_running(class, holder)
  if call('SREM', key('drover:running:' .. class), holder) == 1 then put_back(class) end
end

-- What "!TOKEN" says that the token held: "KIND LEN NAME JID KEEP_MS\n" each.
local function free_locks(lease, token)
  local holder = lease .. ' ' .. token
  local text, at = call('HGET', key('drover:lease:' .. lease), '!' .. token) or '', 1
  while true do
    local lock, len, from = string.match(text, '^(%a+) (%d+) ()', at)
    if not lock then return end
    local name = string.sub(text, from, from + len - 1)
    local jid, behind = string.match(text, '^ (%S*) [^\n]*\n?()', from + len)
    if not jid then return end
    if lock == 'running' then
      free_running(name, holder)
    elseif lock == 'unique' then
      local unique = key('drover:unique:' .. name)
      if call('GET', unique) == jid .. ' ' .. holder then call('DEL', unique) end
    elseif lock == 'overlap' then
      local overlap = key('drover:overlap:' .. name)
      if call('HGET', overlap, jid) == 'running ' .. holder then call('HDEL', overlap, jid) end
    end
    at = behind
  end
end

-- Is it still there? L: a list holds these bytes; H: a field of a hash does.
local function stands(shape, name, field, bytes)
  if shape == 'H' then return call('HGET', key(name), field) == bytes end
  local at = redis.pcall('LPOS', key(name), bytes)
  return type(at) ~= 'table' and at or type(at) == 'table' and at.err   -- before 6.0.6 there is no LPOS
end

local function stands_twice()
  if ARGV[5] == 'L' and ARGV[9] == 'L' and ARGV[6] == ARGV[10] and ARGV[8] == ARGV[12] then
    local both = redis.pcall('LPOS', key(ARGV[6]), ARGV[8], 'COUNT', 2)
    return both.err or #both == 2
  end
  return stands(ARGV[5], ARGV[6], ARGV[7], ARGV[8]) and stands(ARGV[9], ARGV[10], ARGV[11], ARGV[12])
end

local ended = {done = true, failed = true, cancelled = true}
local remains = {'worker:' .. (a or ''), 'worker:' .. (a or '') .. ':started', 'stat:processed:' .. (a or ''),
  'stat:failed:' .. (a or '')}
local function remove_worker()
  call('SREM', key('workers'), a)
  call('HDEL', key('workers:heartbeat'), a)
  for _, name in ipairs(remains) do call('DEL', key(name)) end
end

-- kind -> does it hold, and what mends it (nothing: it is only told)
local holds, mend = {}, {}

holds['key.type'] = function() return call('TYPE', here).ok == a end
holds['key.unknown'] = function() return call('EXISTS', here) == 1 end

holds['queue.unlisted'] = function() return call('LLEN', here) > 0 and call('SISMEMBER', queues, a) == 0 end
mend['queue.unlisted'] = function() call('SADD', queues, a) end

-- Named again, with a lease that is over: a supervisor adopts it as it does that of any dead one.
holds['lease.unnamed'] = function() return not is_named(a) and has_entries(a) end
mend['lease.unnamed'] = function() call('ZADD', supervisors, 'NX', text_of(now_ms), a) end
holds['lease.left'] = function() return call('EXISTS', here) == 1 and not is_named(a) and not has_entries(a) end
mend['lease.left'] = function()
  for _, field in ipairs(call('HKEYS', here)) do
    if string.sub(field, 1, 1) == '!' then free_locks(a, string.sub(field, 2)) end
  end
  call('DEL', here)
end
holds['lease.expired'] = function()
  local expires = call('ZSCORE', supervisors, a)
  return expires and tonumber(expires) <= now_ms and has_entries(a)
end
holds['lease.entry'] = function() return call('HGET', here, a) == b end
holds['lease.mark'] = holds['lease.entry']
holds['lease.record'] = function() return call('HGET', here, a) == b and call('EXISTS', key('drover:run:' .. c)) == 0 end
holds['lease.lock'] = function() return call('HEXISTS', here, '!' .. a) == 1 and call('HEXISTS', here, a) == 0 end
mend['lease.lock'] = function()
  free_locks(b, a)
  call('HDEL', here, '!' .. a)
end

holds['lock.running'] = function() return call('SISMEMBER', here, a) == 1 and not is_held(a) end
mend['lock.running'] = function() free_running(b, a) end
holds['lock.unique'] = function()
  return call('GET', here) == a and not is_held(string.match(a, '^%S+ (.+)$'))
end
mend['lock.unique'] = function() call('DEL', here) end
holds['lock.forever'] = function() return call('GET', here) == a and call('PTTL', here) == -1 end
mend['lock.forever'] = function() call('PEXPIRE', here, 86400000) end
holds['lock.idle'] = function()
  if b == '' then return call('GET', here) == a end
  return call('HGET', here, b) == a
end
mend['lock.idle'] = function()
  if b == '' then call('DEL', here) else call('HDEL', here, b) end
end
holds['lock.overlap'] = function()
  return call('HGET', here, a) == b and not is_held(string.match(b, '^running (.+)$'))
end
mend['lock.overlap'] = function() call('HDEL', here, a) end

holds['parked.unlisted'] = function() return call('LLEN', here) > 0 and call('SISMEMBER', parked, a) == 0 end
mend['parked.unlisted'] = function() call('SADD', parked, a) end
holds['parked.empty'] = function()
  return call('SISMEMBER', parked, a) == 1 and call('EXISTS', key('drover:parked:' .. a)) == 0
end
mend['parked.empty'] = function() call('SREM', parked, a) end
holds['parked.item'] = function() return stands('L', where, '', a) end
holds['parked.stuck'] = function() return call('LLEN', here) > 0 and call('SCARD', key('drover:running:' .. a)) == 0 end
mend['parked.stuck'] = function() put_back(a) end

holds['paused.item'] = function() return call('HGET', here, a) == b end

-- A part of a run stands there under RUN.pN, what is due at its end under RUN.end; c is the run.
local function unit_of(jid)
  local part = string.sub(jid, 1, #c + 2) == c .. '.p' and string.match(jid, '%.p(%d+)$')
  return key('drover:run:' .. c), part and part .. ':state'
end
holds['paused.unwanted'] = function()
  local run, part = unit_of(a)
  if call('HGET', here, a) ~= b or call('HEXISTS', key('drover:pause'), c) == 1 then return false end
  return call('HGET', run, 'state') ~= 'paused' and not (part and call('HGET', run .. ':parts', part) == 'paused')
end
mend['paused.unwanted'] = function()
  local len, from = string.match(b, '^(%d+) ()')
  if not len then return false end
  local queue = string.sub(b, from, from + len - 1)
  call('RPUSH', key('queue:' .. queue), string.sub(b, from + len + 1))
  call('HDEL', here, a)
  call('SADD', queues, queue)
  local run, part = unit_of(a)
  if part and call('EXISTS', run) == 1 then call('HSET', run .. ':parts', part, 'queued') end
end
holds['pause.idle'] = function()
  local state = call('HGET', key('drover:run:' .. a), 'state')
  return call('HEXISTS', here, a) == 1 and (not state or ended[state])
end
mend['pause.idle'] = function() call('HDEL', here, a) end

holds['delayed.empty'] = function()
  return call('ZSCORE', here, a) and call('HEXISTS', key('drover:delayed:jobs'), a) == 0
end
mend['delayed.empty'] = function() call('ZREM', here, a) end
holds['delayed.timeless'] = function()
  return call('HEXISTS', here, a) == 1 and not call('ZSCORE', key('drover:delayed'), a)
end
mend['delayed.timeless'] = function() call('ZADD', key('drover:delayed'), 'NX', text_of(now_ms), a) end
holds['delayed.item'] = function() return call('HGET', here, a) == b end
holds['delayed.overdue'] = function()
  local due = call('ZSCORE', here, a)
  return due and tonumber(due) <= now_ms - tonumber(b)
end

holds['scheduler.unlisted'] = function()
  return call('LLEN', here) > 0 and not call('ZSCORE', key('delayed_queue_schedule'), a)
end
holds['scheduler.stale'] = function() return call('SISMEMBER', here, a) == 1 and call('EXISTS', key(a)) == 0 end

holds['supervisor.unnamed'] = function() return call('EXISTS', here) == 1 and not is_named(a) and not has_entries(a) end
mend['supervisor.unnamed'] = function() call('DEL', here) end

holds['worker.dead'] = function()
  return call('SISMEMBER', here, a) == 1 and (call('HGET', key('workers:heartbeat'), a) or '') == c and not is_claimed(a, b)
end
mend['worker.dead'] = remove_worker
holds['worker.strange'] = holds['worker.dead']
holds['worker.remains'] = function()
  if call('SISMEMBER', key('workers'), a) == 1 or is_claimed(a, b) then return false end
  for _, name in ipairs(remains) do
    if call('EXISTS', key(name)) == 1 then return true end
  end
  return call('HEXISTS', key('workers:heartbeat'), a) == 1
end
mend['worker.remains'] = remove_worker

-- a state; b a jid or, of run.state, the word that its place stands for and then the place
holds['run.lost'] = function() return call('HGET', here, 'state') == a end
holds['run.state'] = function()
  return call('HGET', here, 'state') == a and stands(ARGV[7], ARGV[8], ARGV[9], ARGV[10])
end
mend['run.state'] = function()
  if b == '' then return false end
  call('HSET', here, 'state', b)
  call('HDEL', here, 'ended_at')
  call('PERSIST', here)
end
holds['run.forever'] = function()
  return ended[call('HGET', here, 'state') or ''] and call('PTTL', here) == -1
end
mend['run.forever'] = function() call('PEXPIRE', here, 604800000) end

-- -- runs that iterate: all of one in one step
local function each_part(fn)
  local fields = call('HGETALL', here .. ':parts')
  for k = 1, #fields, 2 do
    local part, name = string.match(fields[k], '^(%-?%d+):(%a+)$')
    if part then fn(part, name, fields[k + 1]) end
  end
end
local function counts()
  local done, errors = tonumber(call('HGET', here, 'done') or 0), tonumber(call('HGET', here, 'errors') or 0)
  local of = {done = 0, errors = 0}
  each_part(function(_, name, value)
    if of[name] then of[name] = of[name] + tonumber(value) end
  end)
  return done, errors, of.done + of.errors, of.errors
end
holds['run.sums'] = function()
  local done, errors, all, failed = counts()
  return call('EXISTS', here .. ':parts') == 1 and (done + errors ~= all or errors > failed)
end
mend['run.sums'] = function()
  local _, errors, all, failed = counts()
  errors = math.min(math.max(errors, 0), failed)
  call('HSET', here, 'errors', errors, 'done', all - errors)
end

-- What is set aside is listed before it is counted: while a run goes on more may be listed.
local function listed()
  local n = 0
  for _, error in ipairs(call('HVALS', here .. ':errors')) do n = n + (string.match(error, ',"count":(%d+)') or 1) end
  return n
end
holds['run.errors'] = function()
  local n, errors = listed(), tonumber(call('HGET', here, 'errors') or 0)
  return n < errors or (n > errors and ended[call('HGET', here, 'state') or ''])
end
holds['run.remains'] = function() return call('PTTL', here) == -1 and call('EXISTS', key('drover:run:' .. a)) == 0 end
mend['run.remains'] = function() call('PEXPIRE', here, 86400000) end

local function parts_left()
  local n = 0
  each_part(function(part, name, value)
    if name == 'state' and tonumber(part) > 0 and not ended[value] then n = n + 1 end
  end)
  return n
end
holds['parts.left'] = function()
  return call('HEXISTS', here, 'parts') == 1 and tonumber(call('HGET', here, 'parts_left')) ~= parts_left()
end
mend['parts.left'] = function() call('HSET', here, 'parts_left', parts_left()) end
holds['part.lost'] = function() return call('HGET', here .. ':parts', a .. ':state') == b end
-- c the word that its place stands for, then the place
holds['part.state'] = function()
  return call('HGET', here .. ':parts', a .. ':state') == b and stands(ARGV[8], ARGV[9], ARGV[10], ARGV[11])
end
mend['part.state'] = function()
  if c == '' then return false end
  call('HSET', here .. ':parts', a .. ':state', c)
  call('HSET', here, 'parts_left', parts_left())
end
holds['part.bounds'] = function()
  local at = call('HMGET', here .. ':parts', a .. ':number', a .. ':first', a .. ':end')
  local n = tonumber(at[1] or 0)
  return n < tonumber(at[2] or 0) or (at[3] and n > tonumber(at[3]))
end

holds['csv.forever'] = function() return call('PTTL', here) == -1 end
mend['csv.forever'] = function() call('PEXPIRE', here, 86400000) end
holds['csv.chunk'] = function() return call('EXISTS', here) == 1 and call('EXISTS', key('drover:csv:' .. a)) == 0 end

holds['runs.gone'] = function() return call('ZSCORE', here, a) and call('EXISTS', key('drover:run:' .. a)) == 0 end
mend['runs.gone'] = function() call('ZREM', here, a) end

holds['id.value'] = function() return call('GET', here) == a end
holds['id.gone'] = function() return call('GET', here) == a and call('EXISTS', key('drover:run:' .. b)) == 0 end

holds['job.twice'] = stands_twice
holds['job.same_id'] = stands_twice

-- A counter only grows: what it was compared with was read before.
holds['counter'] = function()
  local n = tonumber(call('GET', here) or '0')
  return not n or n < tonumber(a)
end

if not holds[kind]() then return 0 end
if ARGV[2] ~= 'mend' or not mend[kind] then return 1 end
return mend[kind]() == false and 1 or 2
