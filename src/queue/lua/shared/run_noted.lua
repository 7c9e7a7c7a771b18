-- A run has changed: for its history and for the list of runs. Included by scripts that have `prefix` and `jid`.
local function run_noted(entry, now_ms)
  local history = prefix .. 'drover:run:' .. jid .. ':audit'
  redis.pcall('RPUSH', history, entry)
  redis.pcall('LTRIM', history, -100, -1)
  redis.pcall('ZADD', prefix .. 'drover:runs', now_ms, jid)
end
