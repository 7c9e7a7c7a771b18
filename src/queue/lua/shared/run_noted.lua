-- A run has changed: for its history, for the list of runs, and for those that look. Included by scripts that have
-- `prefix` and `jid`.
local function run_noted(entry, now_ms)
  local history = prefix .. 'drover:run:' .. jid .. ':audit'
  redis.pcall('RPUSH', history, entry)
  redis.pcall('LTRIM', history, -100, -1)
  redis.pcall('ZADD', prefix .. 'drover:runs', now_ms, jid)
end

-- The version is only told apart from the one before, so it goes after a day without a change.
local function wake_supervisors()
  redis.call('INCR', prefix .. 'drover:control')
  redis.call('PEXPIRE', prefix .. 'drover:control', 86400000)
end
