import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { isRecord } from '../json.ts';
import type { TokenRecord } from '../token/store/token-store.ts';
import { RedisStoreError } from './redis-store-error.ts';

/** A record, and what its reader needs to correct its times by its own clock. */
export interface WrittenRecord {
  readonly record: TokenRecord;
  /** When it was written, by the clock of the process that wrote it; undefined in values of earlier versions. */
  readonly writtenAt: number | undefined;
  /** The life that it was given in Redis then: what Redis says is left of it tells how long ago that was. */
  readonly ttlMs: number | undefined;
}

export interface EnvelopeOptions {
  /** Undefined: plain JSON is written. */
  readonly writeKey: Buffer | undefined;
  readonly readKeys: readonly Buffer[];
  readonly readsPlain: boolean;
}

/**
 * How a record is written: `1.<kind>.<obtainedAt>.<payload>`. The 1 is the version of the format. `obtainedAt` stays
 * readable, because a script in Redis compares it; when encrypted, it is authenticated together with the key in
 * Redis, so that neither it can be changed nor one value be put in the place of another.
 */
export class Envelope {
  readonly #options: EnvelopeOptions;

  constructor(options: EnvelopeOptions) {
    this.#options = options;
  }

  seal(redisKey: string, { record, writtenAt, ttlMs }: WrittenRecord): string {
    const key = this.#options.writeKey;
    const json = JSON.stringify({ ...record, writtenAt, ttlMs, redisKey });
    if (key === undefined) return `1.plain.${timestamp(record)}.${json}`;
    const header = `1.gcm.${timestamp(record)}`;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(associatedData(redisKey, header));
    const sealed = Buffer.concat([iv, cipher.update(json, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${header}.${sealed.toString('base64url')}`;
  }

  /** Rejects a value that this store did not write for this key, with an encryption key that it knows. */
  open(redisKey: string, value: string): WrittenRecord {
    const [, header, kind, payload] = ENVELOPE.exec(value) ?? [];
    if (header === undefined || payload === undefined) {
      throw unreadable('is not a record of this store');
    }
    if (kind === 'gcm') return parse(redisKey, this.#decrypt(payload, associatedData(redisKey, header)));
    // Otherwise anybody who can write to Redis could put in a token.
    if (!this.#options.readsPlain) throw unreadable('is not encrypted, and "encryptionKey" is set');
    return parse(redisKey, payload);
  }

  #decrypt(payload: string, aad: Buffer): string {
    const { readKeys } = this.#options;
    if (readKeys.length === 0) throw unreadable('is encrypted, and "encryptionKey" is not set');
    const sealed = Buffer.from(payload, 'base64url');
    for (const key of readKeys) {
      const json = decryptWith(key, sealed, aad);
      if (json !== undefined) return json;
    }
    throw unreadable('was written with an unknown key, or changed since');
  }
}

const IV_BYTES = 12;
const TAG_BYTES = 16;
const ENVELOPE = /^(1\.(plain|gcm)\.\d+)\.(.*)$/s;

function decryptWith(key: Buffer, sealed: Buffer, aad: Buffer): string | undefined {
  if (sealed.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(aad).setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    const text = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8');
    return text + decipher.final('utf8');
  } catch {
    return undefined;
  }
}

function associatedData(redisKey: string, header: string): Buffer {
  return Buffer.from(`${redisKey}\n${header}`);
}

/** Whole and not negative, as the scripts expect it; the record itself keeps the exact value. */
function timestamp(record: TokenRecord): number {
  return Math.max(0, Math.floor(record.obtainedAt));
}

/**
 * A connection may hand out the answer to another command, where a proxy or a client lost count of them: a record says whose
 * it is, or one merchant would pay with another's token. Those of earlier versions do not.
 */
function parse(redisKey: string, json: string): WrittenRecord {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // Not as the cause: the message of a SyntaxError quotes the text.
    throw unreadable('is not JSON');
  }
  if (!isRecord(value)) throw unreadable('is not a token record');
  const { writtenAt, ttlMs, redisKey: writtenTo = redisKey, ...record } = value;
  if (writtenTo !== redisKey) throw unreadable('is of another key');
  if (!isTokenRecord(record)) throw unreadable('is not a token record');
  return { record, writtenAt: numberOf(writtenAt), ttlMs: numberOf(ttlMs) };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function isTokenRecord(record: object): record is TokenRecord {
  const { accessToken, refreshToken, scope, obtainedAt, expiresAt, extra } = record as Partial<
    Record<keyof TokenRecord, unknown>
  >;
  return (
    typeof accessToken === 'string' &&
    (refreshToken === undefined || typeof refreshToken === 'string') &&
    Array.isArray(scope) &&
    scope.every((each) => typeof each === 'string') &&
    Number.isFinite(obtainedAt) &&
    Number.isFinite(expiresAt) &&
    isRecord(extra)
  );
}

function unreadable(what: string): RedisStoreError {
  return new RedisStoreError(
    'unreadable',
    `A value in Redis ${what}. It counts as missing; the next token replaces it.`,
  );
}
