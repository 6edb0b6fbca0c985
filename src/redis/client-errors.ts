import { RedisStoreError } from './redis-store-error.ts';

/** The server's own errors begin with a word in capitals; those of the clients and of the network do not. */
const SERVER_ERROR = /^([A-Z][A-Z0-9_]{1,30})(?: |$)/;
const NETWORK_ERROR = /^E[A-Z]{2,20}$/;
const UNKNOWN_COMMAND = /^ERR unknown command ['`]?([a-z]{2,12})\b/i;

/** In the clients' words, and in Redis' own. */
const LISTENING = /\b(?:subscriber|monitoring) mode\b|SUBSCRIBE \//;

/** What to look at, where the word of an answer does not say it. */
const HINTS: Readonly<Record<string, string>> = {
  MOVED: ' It is part of a cluster: pass a cluster client.',
  NOAUTH: ' It wants a password: log the client in.',
  OOM: ' It is full: raise its "maxmemory".',
  WRONGTYPE: ' Another program uses this key: choose another "prefix".',
  READONLY: ' It is a replica: if that stays, see "When Redis fails" in docs/fleet.md.',
};

/** Says what happened in our own words: the rest of a client's message may quote the command, and so a token. */
export function withoutArguments(error: unknown): RedisStoreError {
  const { message, code } = Object(error) as { message?: unknown; code?: unknown };
  if (LISTENING.test(String(message))) {
    return new RedisStoreError(
      'refused',
      'The connection listens to channels, and takes no other command: pass another one, such as client.duplicate().',
    );
  }
  const answer = SERVER_ERROR.exec(String(message))?.[1];
  if (answer === 'NOPERM') return new RedisStoreError('refused', missingRight(String(message)));
  if (answer !== undefined) {
    const unknown = UNKNOWN_COMMAND.exec(String(message))?.[1];
    const hint =
      unknown === undefined ? HINTS[answer] : ` It does not know the command ${unknown.toUpperCase()}.`;
    return new RedisStoreError('refused', `Redis answered with the error ${answer}.${hint ?? ''}`);
  }
  if (isTimeout(error))
    return new RedisStoreError('timeout', "The Redis client's own time limit has passed.");
  const detail = typeof code === 'string' && NETWORK_ERROR.test(code) ? ` (${code})` : '';
  return new RedisStoreError('unreachable', `Redis could not be reached${detail}. Is the client connected?`);
}

/** A slot is being moved: one of two keys has gone before the other, and soon both have. */
export function isSlotMoving(error: unknown): boolean {
  return String((Object(error) as { message?: unknown }).message).startsWith('TRYAGAIN');
}

/** `commandTimeout` of ioredis; `timeout` of node-redis 5 and 6, whose error has no message. */
function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.message === 'Command timed out' ||
    error.constructor.name.startsWith('TimeoutError') ||
    error.constructor.name === 'CommandTimeoutDuringMaintenanceError'
  );
}

/** Only the name of the command is taken from the server's words; of keys they say only that one is shut. */
function missingRight(message: string): string {
  const command = /'([a-z]{2,12})\b/i.exec(message)?.[1]?.toUpperCase();
  const isKey = /\bkeys?\b/.test(message);
  const what =
    command === undefined || isKey
      ? `the keys that the option "prefix" begins${command === undefined ? '' : ` (${command})`}`
      : `the command ${command}`;
  return `Redis answered with the error NOPERM: its user has no right to ${what}. See "Rights" in docs/fleet.md.`;
}
