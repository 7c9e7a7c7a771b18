-- The jobs a run may consist of now: its own (for as long as it is not divided, and over its failed items), one a part,
-- and the one that is due when all parts are done. Included by scripts that have `prefix` and `jid`.
local run = prefix .. 'drover:run:' .. jid
local divided = redis.call('HEXISTS', run, 'parts') == 1

-- Each {jid, part: its number in drover:run:JID:parts}.
local function run_units()
  local units = {{jid = jid, part = '0'}}
  if not divided then return units end
  for _, field in ipairs(redis.call('HKEYS', run .. ':parts')) do
    local part = string.match(field, '^([1-9]%d*):state$')
    if part then units[#units + 1] = {jid = jid .. '.p' .. part, part = part} end
  end
  units[#units + 1] = {jid = jid .. '.end', part = '-1'}
  return units
end

local function unit_state(unit) return redis.call('HGET', run .. ':parts', unit.part .. ':state') end

-- A job that has not begun has none.
local function set_unit_state(unit, state)
  if unit_state(unit) then redis.call('HSET', run .. ':parts', unit.part .. ':state', state) end
end
