-- checkpoint: how far iterating jobs are, what they said and printed since, items they set aside. Sent once a
-- `flush` for all of a supervisor, at once where a job waits for it; and by whoever takes a dead one's folder over.
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 time (epoch ms), 4 how long run records are kept (ms), then per job:
--      token, "mark" where its lease entry shall say that it has a record from now on, or "", position,
--      n, then n field value pairs of the run record, m, then m pairs: number of an item, its error or "" (healed),
--      l, then l output lines
-- answers UNKNOWN, or OK, then per job ok | stale (the token is not in the lease: nothing was changed) |
--      steal BOUNDS (another worker is free, and this part has most left) | the words of an error
-- Safe to repeat, but for output lines, which may then stand twice.
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, now_ms, out, i = ARGV[2], ARGV[3], {'OK'}, 5
local LOG_LINES = 1000

-- include: position

-- An entry that is marked tells whoever adopts it that there is a record to go on from.
local function mark(token, entry)
  if string.sub(entry, 1, 6) == 'taken ' then redis.call('HSET', KEYS[2], token, 'marked ' .. string.sub(entry, 7)) end
end

-- An item that had been set aside is done after all; a batch has several. Where the position is known, it is not
-- behind that item yet, which so never counted.
local function heal(p, key, number)
  local error = redis.call('HGET', key, number)
  if not error then return end
  if p.number then return redis.call('HDEL', key, number) end
  local count = string.match(error, ',"count":(%d+)') or 1
  redis.call('HINCRBY', p.key, 'errors', -count)
  redis.call('HINCRBY', p.key, 'done', count)
  redis.call('HDEL', key, number)
end

local function keep_errors(p, first, m)
  local key = p.key .. ':errors'
  for k = 0, m - 1 do
    local number, error = ARGV[first + 2 * k], ARGV[first + 1 + 2 * k]
    if error ~= '' then redis.call('HSET', key, number, error) else heal(p, key, number) end
  end
end

local function keep_lines(p, first, l)
  local key = p.key .. ':log'
  for k = 0, l - 1 do
    redis.call('XADD', key, 'MAXLEN', '~', LOG_LINES, '*', 'part', p.part, 'line', ARGV[first + k])
  end
  if l > 0 then redis.call('PEXPIRE', key, ARGV[4]) end
end

-- A worker is free and no part waits: whoever has most left gives half of it away.
local function asked_to_share(p)
  if redis.call('HEXISTS', p.key, 'steal') == 0 then return nil end
  local fields, left, mine = redis.call('HGETALL', p.parts), {}, nil
  local at = {}
  for k = 1, #fields, 2 do at[fields[k]] = fields[k + 1] end
  for field, state in pairs(at) do
    local part = string.match(field, '^([1-9]%d*):state$')
    if part and state == 'running' then
      left[part] = tonumber(at[part .. ':end'] or 0) - tonumber(at[part .. ':number'] or 0)
    end
  end
  mine = left[p.part] or 0
  for part, rest in pairs(left) do
    if rest > mine or (rest == mine and tonumber(part) < tonumber(p.part)) then return nil end
  end
  return redis.call('HGET', p.key, 'bounds')
end

local function apply(token, how, p, first, n, m, l)
  local entry = redis.call('HGET', KEYS[2], token)
  if not entry then return 'stale' end
  if how == 'mark' then mark(token, entry) end
  keep_errors(p, first + 2 * n + 1, m)
  save_position(p, now_ms)
  for k = 0, n - 1 do redis.call('HSET', p.key, ARGV[first + 2 * k], ARGV[first + 1 + 2 * k]) end
  keep_lines(p, first + 2 * n + 2 * m + 2, l)
  redis.pcall('ZADD', prefix .. 'drover:runs', now_ms, p.run)
  local bounds = asked_to_share(p)
  return bounds and 'steal ' .. bounds or 'ok'
end

while ARGV[i] do
  local n = tonumber(ARGV[i + 3])
  local m = tonumber(ARGV[i + 4 + 2 * n])
  local l = tonumber(ARGV[i + 5 + 2 * n + 2 * m])
  local p = read_position(ARGV[i + 2])
  local ok, answer = pcall(apply, ARGV[i], ARGV[i + 1], p, i + 4, n, m, l)
  out[#out + 1] = ok and answer or 'error ' .. (type(answer) == 'table' and answer.err or tostring(answer))
  i = i + 6 + 2 * n + 2 * m + l
end
return out
