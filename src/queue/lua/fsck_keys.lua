-- fsck_keys: a few names of keys, with what `drover fsck` wants to know of each. Only reads.
-- ARGV 1 prefix, 2 cursor of SCAN, 3 pattern, 4 how many about
-- answers the next cursor, then name (without prefix), type, detail ... ; the detail is
--   of a string its first 400 bytes (drover:unique:*: "TTL_MS VALUE"), of drover:run:JID "STATE TTL_MS", of what
--   belongs to one, and of drover:csv:*, "- TTL_MS", of
--   timestamps:* its members with blanks between, of all else how much is in it
local prefix = ARGV[1]
local sizes = {list = 'LLEN', hash = 'HLEN', set = 'SCARD', zset = 'ZCARD', stream = 'XLEN'}

local function begins(name, with) return string.sub(name, 1, #with) == with end

local function detail_of(key, name, type)
  if begins(name, 'drover:run:') or begins(name, 'drover:csv:') then
    local state = type == 'hash' and begins(name, 'drover:run:') and redis.call('HGET', key, 'state')
    return (state or '-') .. ' ' .. redis.call('PTTL', key)
  end
  if type == 'string' then
    local value = redis.call('GETRANGE', key, 0, 399)
    if not begins(name, 'drover:unique:') then return value end
    return redis.call('PTTL', key) .. ' ' .. value
  end
  if type == 'set' and begins(name, 'timestamps:') then
    return table.concat(redis.call('SMEMBERS', key), ' ')
  end
  return sizes[type] and tostring(redis.call(sizes[type], key)) or ''
end

local page = redis.call('SCAN', ARGV[2], 'MATCH', ARGV[3], 'COUNT', ARGV[4])
local out = {page[1]}
for _, key in ipairs(page[2]) do
  local name, type = string.sub(key, #prefix + 1), redis.call('TYPE', key).ok
  out[#out + 1] = name
  out[#out + 1] = type
  out[#out + 1] = detail_of(key, name, type)
end
return out
