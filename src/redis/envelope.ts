import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { TokenRecord } from '../token/store/token-store.ts';
import { RedisStoreError } from './redis-store-error.ts';

/**
 * How a record is written: `1.<kind>.<obtainedAt>.<payload>`. The 1 is the version of the format. `obtainedAt` stays
 * readable, because a script in Redis compares it; when encrypted, it is authenticated together with the key in
 * Redis, so that neither it can be changed nor one value be put in the place of another.
 */
export class Envelope {
  readonly #keys: readonly Buffer[];

  /** The first key writes, all read; none: plain JSON. */
  constructor(encryptionKeys: readonly Buffer[]) {
    this.#keys = encryptionKeys;
  }

  seal(redisKey: string, record: TokenRecord): string {
    const [key] = this.#keys;
    const json = JSON.stringify(record);
    if (key === undefined) return `1.plain.${timestamp(record)}.${json}`;
    const header = `1.gcm.${timestamp(record)}`;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(associatedData(redisKey, header));
    const sealed = Buffer.concat([iv, cipher.update(json, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${header}.${sealed.toString('base64url')}`;
  }

  /** Rejects what this store did not write for this key with a key that it knows. */
  open(redisKey: string, value: string): TokenRecord {
    const [, header, kind, payload] = ENVELOPE.exec(value) ?? [];
    if (header === undefined || payload === undefined) {
      throw unreadable('is not a record of this store');
    }
    if (kind === 'gcm') return parse(this.#decrypt(payload, associatedData(redisKey, header)));
    // Whoever can write to Redis could otherwise slip in a token of their own.
    if (this.#keys.length > 0) throw unreadable('is not encrypted, and "encryptionKey" is set');
    return parse(payload);
  }

  #decrypt(payload: string, aad: Buffer): string {
    if (this.#keys.length === 0) throw unreadable('is encrypted, and "encryptionKey" is not set');
    const sealed = Buffer.from(payload, 'base64url');
    for (const key of this.#keys) {
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

function parse(json: string): TokenRecord {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // Not as the cause: the message of a SyntaxError quotes the text.
    throw unreadable('is not JSON');
  }
  if (!isTokenRecord(value)) throw unreadable('is not a token record');
  return value;
}

function isTokenRecord(value: unknown): value is TokenRecord {
  const record = Object(value) as Partial<Record<keyof TokenRecord, unknown>>;
  return (
    typeof record.accessToken === 'string' &&
    (record.refreshToken === undefined || typeof record.refreshToken === 'string') &&
    Array.isArray(record.scope) &&
    record.scope.every((scope) => typeof scope === 'string') &&
    Number.isFinite(record.obtainedAt) &&
    Number.isFinite(record.expiresAt) &&
    typeof record.extra === 'object' &&
    record.extra !== null
  );
}

function unreadable(what: string): RedisStoreError {
  return new RedisStoreError(
    'unreadable',
    `A value in Redis ${what}. It counts as missing; the next token replaces it.`,
  );
}
