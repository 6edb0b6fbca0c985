import { invalidOption } from '../errors.ts';
import type { EnvelopeOptions } from './envelope.ts';

/** A key of AES-256-GCM: 32 bytes, or their base64 (also base64url) or hex text. */
export type EncryptionKey = Uint8Array | string;

export interface RedisTokenStoreOptions {
  /**
   * Put in front of every key in Redis. Default `'payu-auth:'`. A record is at `<prefix>{<key>}`, its lock at
   * `<prefix>{<key>}:lock`: the braces keep the two in one slot of a cluster.
   */
  readonly prefix?: string;
  /**
   * Encrypts what is stored. Default: none, the tokens lie in Redis as they are. A list serves rotation: the first
   * key writes, all of them read. Values that were written without encryption are not read, but with `acceptPlain`.
   *
   * @example
   * redisTokenStore(redis, { encryptionKey: [newKey, oldKey] });
   */
  readonly encryptionKey?: EncryptionKey | readonly EncryptionKey[];
  /**
   * Beside `encryptionKey`: values that were written without encryption are read as well, and written encrypted. Only
   * while encryption is being switched on (see docs/fleet.md): anybody who can write to Redis can put in a token then.
   * Default false.
   */
  readonly acceptPlain?: boolean;
  /**
   * Instead of `encryptionKey`: reads what is encrypted with these keys, and writes without encryption. For the step
   * before encryption is switched on, and the step before it is gone. Default: none.
   */
  readonly decryptionKey?: EncryptionKey | readonly EncryptionKey[];
  /** Limit for one command, counting only time in which this process could have heard the answer. Default 1,000 ms. */
  readonly timeoutMs?: number;
  /**
   * How long the lock outlives a process that died with it, and so how long the others then wait in vain. Default
   * 3,000 ms: shorter than their callers may wait. A living owner extends it three times per lease, however long
   * the mint takes. With a `refresh_token` as primary grant make it longer than `tokenTimeoutMs`: see docs/fleet.md.
   */
  readonly leaseMs?: number;
  /** How long Redis is left alone after it did not answer or could not be reached. Default 1,000 ms. 0: never. */
  readonly outagePauseMs?: number;
  /**
   * How long a record with a refresh token is kept after it was last written. Default 90 days: each renewal starts
   * it anew, so only a client that was idle for a whole quarter falls back to its primary grant.
   */
  readonly refreshTokenTtlMs?: number;
}

export interface ReadOptions {
  readonly prefix: string;
  readonly envelope: EnvelopeOptions;
  readonly timeoutMs: number;
  readonly leaseMs: number;
  readonly outagePauseMs: number;
  readonly refreshTokenTtlMs: number;
}

/** All names; the compiler asks for each. */
const KNOWN: Readonly<Record<keyof RedisTokenStoreOptions, true>> = {
  prefix: true,
  encryptionKey: true,
  acceptPlain: true,
  decryptionKey: true,
  timeoutMs: true,
  leaseMs: true,
  outagePauseMs: true,
  refreshTokenTtlMs: true,
};

const DAY_MS = 86_400_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Reads the options once, with the defaults filled in, or throws a `TypeError` with `code: 'ERR_INVALID_OPTION'`. */
export function readOptions(options: RedisTokenStoreOptions): ReadOptions {
  refuseUnknown(options);
  return {
    prefix: readPrefix(options.prefix),
    envelope: readEnvelope(options),
    timeoutMs: readMs('timeoutMs', options.timeoutMs ?? 1_000, { least: 1, most: LONGEST_TIMER_MS }),
    leaseMs: readMs('leaseMs', options.leaseMs ?? 3_000, { least: 100, most: LONGEST_TIMER_MS }),
    outagePauseMs: readMs('outagePauseMs', options.outagePauseMs ?? 1_000, {
      least: 0,
      most: LONGEST_TIMER_MS,
    }),
    refreshTokenTtlMs: readMs('refreshTokenTtlMs', options.refreshTokenTtlMs ?? 90 * DAY_MS, {
      least: 1,
      most: 3_650 * DAY_MS,
    }),
  };
}

/** A misspelt "encryptionKey" would be passed over in silence, and the tokens lie in Redis as they are. */
function refuseUnknown(options: unknown): void {
  if (
    typeof options !== 'object' ||
    options === null ||
    Array.isArray(options) ||
    ArrayBuffer.isView(options)
  ) {
    throw invalidOption(
      'options',
      'must be an object, such as { encryptionKey }. Leave it out for the defaults.',
    );
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(KNOWN, name));
  if (unknown === undefined) return;
  throw invalidOption(unknown, `is not an option; there are: ${Object.keys(KNOWN).join(', ')}.`);
}

function readPrefix(prefix: unknown = 'payu-auth:'): string {
  // An empty hash tag in front of ours would put a record and its lock into different slots of a cluster.
  if (typeof prefix === 'string' && !prefix.includes('{}')) return prefix;
  throw invalidOption('prefix', 'must be a string without "{}". Leave it out for "payu-auth:".');
}

function readMs(
  name: string,
  value: unknown,
  range: { readonly least: number; readonly most: number },
): number {
  if (Number.isSafeInteger(value) && Number(value) >= range.least && Number(value) <= range.most) {
    return Number(value);
  }
  throw invalidOption(
    name,
    `must be a whole number of milliseconds from ${range.least} to ${range.most}. ` +
      'Leave it out for the default.',
  );
}

function readEnvelope(options: RedisTokenStoreOptions): EnvelopeOptions {
  const { acceptPlain = false } = options;
  if (typeof acceptPlain !== 'boolean') {
    throw invalidOption('acceptPlain', 'must be true or false. Leave it out for false.');
  }
  // Present but undefined is an environment variable that was not set, not a wish for no encryption.
  const [encrypts, decrypts] = ['encryptionKey' in options, 'decryptionKey' in options];
  if (encrypts && decrypts) {
    throw invalidOption(
      'decryptionKey',
      'cannot be set beside "encryptionKey", which reads as well. Choose one.',
    );
  }
  if (acceptPlain && !encrypts) {
    throw invalidOption('acceptPlain', 'needs "encryptionKey": without one, plain values are read anyway.');
  }
  const readKeys = encrypts
    ? readKeyList('encryptionKey', options.encryptionKey)
    : decrypts
      ? readKeyList('decryptionKey', options.decryptionKey)
      : [];
  return { readKeys, writeKey: encrypts ? readKeys[0] : undefined, readsPlain: !encrypts || acceptPlain };
}

function readKeyList(name: string, option: unknown): readonly Buffer[] {
  if (!Array.isArray(option)) return [readKey(name, option)];
  if (option.length > 0) return option.map((key) => readKey(name, key));
  throw invalidOption(name, 'must hold at least one key when it is a list. Leave it out for none.');
}

// Only the alphabet is checked before decoding: Buffer.from() skips what it does not know, and would accept debris.
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;

function readKey(name: string, key: unknown): Buffer {
  if (key instanceof Uint8Array && key.length === 32) return Buffer.from(key);
  if (typeof key === 'string' && HEX.test(key)) return Buffer.from(key, 'hex');
  if (typeof key === 'string' && BASE64.test(key)) return Buffer.from(key, 'base64');
  throw invalidOption(
    name,
    'must be 32 bytes: a Buffer, or their base64 or hex text. ' +
      'Make one with: openssl rand -base64 32. Leave the option out for none',
  );
}
