/**
 * The store's Lua, each script one atomic step. `KEYS[1]` is the record or the lock that it changes.
 *
 * Fencing: whoever holds the lock at the moment of writing is right, whatever its clock says. Anybody else (a late
 * owner, or a caller without a lock) yields to a record that was obtained later.
 */

const YIELDS = `
local function yields(record, lock, owner, obtained_at)
  local holder = redis.pcall('GET', lock)
  if owner ~= '' and holder == owner then return false end
  if redis.call('TYPE', record).ok ~= 'string' then return false end
  local stored = string.match(redis.call('GET', record), '^1%.%a+%.(%d+)%.')
  return stored ~= nil and tonumber(stored) > tonumber(obtained_at)
end
`;

/** KEYS: record, lock. ARGV: owner or '', obtainedAt, value, TTL in ms. 1: written. 0: a newer record stays. */
export const SET_RECORD: string = `${YIELDS}
if yields(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1
`;

/** KEYS: record, lock. ARGV: owner or '', the latest obtainedAt that is meant. 1: gone. 0: a newer record stays. */
export const DELETE_RECORD: string = `${YIELDS}
if yields(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1])
return 1
`;

/**
 * KEYS: lock. ARGV: owner, lease in ms. 1: got. 0: somebody else has it. Our locks always expire: one that does not
 * was left by something else, and would be waited for in vain.
 */
export const TAKE_LOCK = `
if redis.call('PTTL', KEYS[1]) == -1 then redis.call('DEL', KEYS[1]) end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
`;

/** KEYS: lock. ARGV: owner. */
export const DROP_LOCK = `
if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;
