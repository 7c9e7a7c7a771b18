-- start: between fetch and running, for jobs whose class asks for it (at most once, tracked).
-- KEYS 1 drover:supervisors, 2 drover:lease:ID
-- ARGV 1 lease id, 2 prefix, 3 time (RFC 3339), 4 time (epoch ms),
--      then per job: token, jid of its run record or "", n, then n field value pairs of the record
-- answers UNKNOWN, or STARTED, then per job go | stale. A repeat with the same token answers the same.
redis.call('DEL', KEYS[1] .. ':none')     -- a first write that is never refused: lets the rest pass under maxmemory
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'UNKNOWN'} end
local prefix, out, i = ARGV[2], {'STARTED'}, 5
while ARGV[i] do
  local token, jid, n = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local entry = redis.call('HGET', KEYS[2], token)
  if entry then
    if jid ~= '' then
      local run = prefix .. 'drover:run:' .. jid
      for k = 0, n - 1 do redis.call('HSET', run, ARGV[i + 3 + 2 * k], ARGV[i + 4 + 2 * k]) end
      redis.call('HSETNX', run, 'started_at', ARGV[3])
      redis.call('HSET', run, 'state', 'running')
      redis.call('PERSIST', run)
      redis.call('ZADD', prefix .. 'drover:runs', ARGV[4], jid)
    end
    if string.sub(entry, 1, 6) == 'taken ' then redis.call('HSET', KEYS[2], token, 'started ' .. string.sub(entry, 7)) end
    out[#out + 1] = 'go'
  else
    out[#out + 1] = 'stale'
  end
  i = i + 3 + 2 * n
end
return out
