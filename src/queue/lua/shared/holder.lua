-- A lock is held by "LEASE TOKEN", for as long as the token stands in that lease. Included by scripts that have
-- `prefix`.
local function holder_lives(holder)
  local lease, token = string.match(holder, '^(.-:%d+:' .. string.rep('%x', 16) .. ') (.+)$')
  return lease and redis.call('HEXISTS', prefix .. 'drover:lease:' .. lease, token) == 1
end
