-- fetch: take up to n jobs in strict order of the queues into the caller's lease.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID, 3 pause-all-workers, 4 drover:paused, 5.. queues in order
-- ARGV 1 lease id, 2 pool, 3 number of this fetch, 4 largest payload, 5 namespace prefix, 6 wall time
--      for run_at, 7 wall time for failed_at, then per wanted job: worker id, jid where the payload has none
-- answers UNKNOWN (no such lease: nothing is taken), OLD, or JOBS token entry ...
-- May be sent again with the same number: the same entries are answered, nothing more is taken.
-- Order, per job: look, enter, remove; an error at any line loses nothing.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local pool, prefix, want = ARGV[2], ARGV[5], (#ARGV - 7) / 2
local mark, number = '#' .. pool, tonumber(ARGV[3])
local last = tonumber(redis.call('HGET', KEYS[2], mark) or 0)
if last > number then return {'OLD'} end
local out = {'JOBS'}
if last == number then
  for i = 1, want do
    local token = pool .. '.' .. ARGV[3] .. '.' .. i
    local entry = redis.call('HGET', KEYS[2], token)
    if entry then out[#out + 1] = token; out[#out + 1] = entry end
  end
  return out
end

local paused = redis.call('GET', KEYS[3])
if paused and string.lower((string.gsub(paused, '%s', ''))) == 'true' then return out end
if redis.call('HEXISTS', KEYS[4], '*') == 1 then return out end

local now = redis.call('TIME')
local now_ms = now[1] .. string.format('%03d', math.floor(now[2] / 1000))

-- A payload above the limit never travels, and nothing here may take long over its bytes: they go as they
-- are to drover:oversize (a hash, by jid); the record has their beginning and says where the rest is.
local function set_aside(key, queue, payload, worker, jid)
  redis.call('HSET', prefix .. 'drover:oversize', jid, payload)
  local start = string.gsub(string.sub(payload, 1, 1000), '[^\32-\126]', '?')
  redis.call('RPUSH', prefix .. 'failed', table.concat({'{"failed_at":"', ARGV[7], '","payload":', cjson.encode(start),
    ',"exception":"Drover::BadPayload","error":"the payload has ', #payload, ' bytes, max_payload is ', ARGV[4],
    '; it is kept whole in drover:oversize","backtrace":[],"worker":', cjson.encode(worker), ',"queue":', cjson.encode(queue),
    ',"oversize":"', jid, '"}'}))
  redis.call('LPOP', key)
  for _, stat in ipairs({'stat:failed', 'stat:processed'}) do
    redis.pcall('INCR', prefix .. stat)
    redis.pcall('INCR', prefix .. stat .. ':' .. worker)
  end
  out[#out + 1] = 'oversize'
  out[#out + 1] = queue .. ' ' .. #payload .. ' ' .. jid
end

local n, largest, OURS_MAX = 0, tonumber(ARGV[4]), 4096

-- What was added when it went back (jid, drover) does not count: a job that was taken once may be taken again.
local function is_oversize(payload)
  if #payload <= largest then return false end
  if #payload > largest + OURS_MAX then return true end
  return not string.find(payload, ',"drover":{"attempt":', math.max(1, #payload - OURS_MAX), true)
end

for k = 5, #KEYS do
  local key = KEYS[k]
  local queue = string.sub(key, #prefix + 7)
  local skip = redis.call('HEXISTS', KEYS[4], queue) == 1
  while n < want and not skip do
    local payload = redis.pcall('LINDEX', key, 0)
    if type(payload) ~= 'string' then break end     -- empty, or no list: `watch` reports that
    local worker = ARGV[8 + 2 * n]
    if is_oversize(payload) then
      set_aside(key, queue, payload, worker, (string.gsub(ARGV[9 + 2 * n], '+', '')))
      return out                                    -- one a call: others wait for Redis, too
    else
      if n == 0 then redis.call('HSET', KEYS[2], mark, number) end
      n = n + 1
      local token, jid = pool .. '.' .. ARGV[3] .. '.' .. n, ARGV[7 + 2 * n]
      local ahead = string.byte(jid) == 43            -- '+': the worker still has another in hand
      if ahead then jid = string.sub(jid, 2) end
      local entry = table.concat({'taken', now_ms, jid, #worker, worker, #queue, queue, payload}, ' ')
      redis.call('HSET', KEYS[2], token, entry)
      redis.call('LPOP', key)
      out[#out + 1] = token
      out[#out + 1] = entry
      local shown = '{}'                            -- resque-web cannot bear anything but an object here
      if #payload < 65536 and string.sub(payload, 1, 1) == '{' and string.sub(payload, -1) == '}' then shown = payload end
      if not ahead then
        redis.pcall('SET', prefix .. 'worker:' .. worker,
          table.concat({'{"queue":', cjson.encode(queue), ',"run_at":"', ARGV[6], '","payload":', shown, '}'}))
      end
    end
  end
  if n >= want then break end
end
return out
