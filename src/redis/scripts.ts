/**
 * The store's Lua, each script one atomic step. `KEYS[1]` is the record or the lock that it changes; the two are always
 * in one slot.
 *
 * Fencing: the holder of the lock at the moment of writing is right. Any other writer (a late owner, a change from before
 * an outage) may replace only what it has seen: a sibling's value stays. Clocks decide only if nothing was seen.
 */

/**
 * `run` is redis.call() that says which right is missing. Redis 7.0 names the command only where a client sends it
 * itself, not where a script does. `answer` makes an error of the script its reply.
 */
const PRELUDE = `
local function run(name, ...)
  local reply = redis.pcall(name, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  local err = reply.err
  if string.find(err, 'NOPERM', 1, true) or string.find(err, 'executing the script', 1, true)
    or string.find(err, 'ACL failure', 1, true) then
    local what = string.find(err, 'key', 1, true) and ' key' or ''
    error('NOPERM \\'' .. name .. '\\' in a script' .. what, 0)
  end
  error(err, 0)
end
local function answer(task)
  local isDone, reply = pcall(task)
  if isDone then return reply end
  return redis.error_reply(tostring(reply))
end
local function text(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then return value end
  if type(value) == 'table' and not string.find(value.err, 'WRONGTYPE', 1, true) then return run('GET', key) end
  return nil
end
`;

const YIELDS = `
local function yields(record, lock, owner, seen, obtained_at, own)
  if owner ~= '' and text(lock) == owner then return false end
  local stored = text(record)
  if not stored or stored == own then return false end
  if seen ~= '' then return not string.find(seen, redis.sha1hex(stored), 1, true) end
  local stored_at = string.match(stored, '^1%.%a+%.(%d+)%.')
  return stored_at ~= nil and tonumber(stored_at) > tonumber(obtained_at)
end
`;

function script(body: string, helpers = ''): string {
  return `${PRELUDE}${helpers}return answer(function()${body}end)`;
}

/** KEYS: record. `<its life in ms>.<value>`, or nil. The life is -1 where the record never expires. */
export const GET_RECORD: string = script(`
  local value = run('GET', KEYS[1])
  if not value then return value end
  return string.format('%d.', run('PTTL', KEYS[1])) .. value
`);

/** KEYS: record, lock. ARGV: owner or '', digests of what was seen or '', obtainedAt, value, TTL in ms. 1: written. 0: another record stays. */
export const SET_RECORD: string = script(
  `
  if yields(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]) then return 0 end
  run('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
  return 1
`,
  YIELDS,
);

/** KEYS: record, lock. ARGV: owner or '', digests of what was seen or '', the latest obtainedAt that is meant. 1: gone. 0: another record stays. */
export const DELETE_RECORD: string = script(
  `
  if yields(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
  run('DEL', KEYS[1])
  return 1
`,
  YIELDS,
);

/**
 * KEYS: lock. ARGV: owner, lease in ms. 1: got, or had already (asked again after an answer that was not heard).
 * 0: somebody else has it. Our locks always expire: one that does not was left by something else, and nobody would
 * ever give it back.
 */
export const TAKE_LOCK: string = script(`
  if run('PTTL', KEYS[1]) == -1 then run('DEL', KEYS[1]) end
  if run('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
  if text(KEYS[1]) ~= ARGV[1] then return 0 end
  return run('PEXPIRE', KEYS[1], ARGV[2])
`);

/** KEYS: lock. ARGV: owner, lease in ms. 1: extended. 0: it is not ours any more. */
export const EXTEND_LOCK: string = script(`
  if run('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  return run('PEXPIRE', KEYS[1], ARGV[2])
`);

/** KEYS: lock. ARGV: owner. 1: given back. 0: it is not ours any more. */
export const DROP_LOCK: string = script(`
  if run('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  return run('DEL', KEYS[1])
`);
