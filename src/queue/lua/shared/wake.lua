-- Supervisors look anew at who is to be paused or cancelled: the version in drover:control, the key given, is another
-- one. It is only told apart from the one before, so it goes after a day without a change.
local function wake_supervisors(control)
  redis.call('INCR', control)
  redis.call('PEXPIRE', control, 86400000)
end
