import { describe, expect, it } from 'vitest';
import { Envelope, type WrittenRecord } from '../../src/redis/envelope.ts';
import { NOW, recordNumber } from './support/records.ts';

const oldKey = Buffer.alloc(32, 1);
const newKey = Buffer.alloc(32, 2);
const record = recordNumber(1, {
  refreshToken: 'refresh_token_1',
  extra: { name: 'Zoë', nested: [1, null] },
});
const written: WrittenRecord = { record, writtenAt: NOW + 1_500, ttlMs: 7_260_000 };
const unreadable = expect.objectContaining({ code: 'ERR_REDIS_UNREADABLE', reason: 'unreadable' });

const plain = new Envelope({ writeKey: undefined, readKeys: [], readsPlain: true });

/** The first key writes, all of them read. */
function encrypted(...readKeys: readonly [Buffer, ...Buffer[]]): Envelope {
  return new Envelope({ writeKey: readKeys[0], readKeys, readsPlain: false });
}

describe('an envelope', () => {
  it.each([
    ['plain', plain],
    ['encrypted', encrypted(oldKey)],
  ])('%s: gives back what went in', (_, envelope) => {
    expect(envelope.open('a', envelope.seal('a', written))).toEqual(written);
  });

  it.each([plain, encrypted(oldKey)])(
    'reads what earlier versions wrote, which did not say when',
    (envelope) => {
      const earlier: WrittenRecord = { record, writtenAt: undefined, ttlMs: undefined };
      expect(envelope.open('a', envelope.seal('a', earlier))).toEqual(earlier);
    },
  );

  describe('while encryption is switched on or off', () => {
    const before = new Envelope({ writeKey: undefined, readKeys: [oldKey], readsPlain: true });
    const during = new Envelope({ writeKey: oldKey, readKeys: [oldKey], readsPlain: true });
    it.each([
      ['no key', plain, 'a key to read with', before],
      ['a key to read with', before, 'a key, and plain values', during],
      ['a key, and plain values', during, 'a key to read with', before],
      ['a key, and plain values', during, 'a key', encrypted(oldKey)],
      ['a key', encrypted(oldKey), 'a key, and plain values', during],
      ['a key to read with', before, 'no key', plain],
    ])('what was written with %s is read with %s', (_one, writer, _other, reader) => {
      expect(reader.open('a', writer.seal('a', written))).toEqual(written);
    });

    it('only a key to write with encrypts', () => {
      expect(before.seal('a', written)).toMatch(/^1\.plain\./);
      expect(during.seal('a', written)).toMatch(/^1\.gcm\./);
    });
  });

  it('shows the time of the token to the scripts, and nothing else when encrypted', () => {
    const sealed = encrypted(oldKey).seal('a', written);
    expect(sealed).toMatch(new RegExp(`^1\\.gcm\\.${record.obtainedAt}\\.[\\w-]+$`));
    expect(Buffer.from(sealed.split('.')[3] ?? '', 'base64url').toString('latin1')).not.toContain('token');
  });

  it('never looks the same twice', () => {
    const envelope = encrypted(oldKey);
    expect(envelope.seal('a', written)).not.toBe(envelope.seal('a', written));
  });

  it('writes with the first key and reads with all', () => {
    const sealedBefore = encrypted(oldKey).seal('a', written);
    const rotating = encrypted(newKey, oldKey);
    expect(rotating.open('a', sealedBefore)).toEqual(written);
    const sealedAfter = rotating.seal('a', written);
    expect(encrypted(newKey).open('a', sealedAfter)).toEqual(written);
    expect(() => encrypted(oldKey).open('a', sealedAfter)).toThrow(unreadable);
  });

  it('writes a fractional time as a whole one', () => {
    const fractional = recordNumber(0, { obtainedAt: 12.75 });
    const sealed = plain.seal('a', { ...written, record: fractional });
    expect(sealed).toMatch(/^1\.plain\.12\.\{/);
    expect(plain.open('a', sealed)).toMatchObject({ record: fractional });
  });

  const sealed = encrypted(oldKey).seal('a', written);
  const [version, kind, time, payload = ''] = sealed.split('.');
  it.each([
    ['another key in Redis', 'b', sealed],
    ['another time', 'a', [version, kind, Number(time) + 1, payload].join('.')],
    ['a changed byte', 'a', sealed.slice(0, -1) + (sealed.endsWith('A') ? 'E' : 'A')],
    ['a byte less', 'a', sealed.slice(0, -2)],
    ['too little to hold a tag', 'a', [version, kind, time, payload.slice(0, 20)].join('.')],
    ['another version', 'a', sealed.replace('1.', '2.')],
    ['a plain value, slipped in', 'a', plain.seal('a', written)],
    ['garbage', 'a', 'garbage'],
    ['nothing', 'a', ''],
  ])('encrypted: does not read %s', (_, redisKey, value) => {
    expect(() => encrypted(oldKey).open(redisKey, value)).toThrow(unreadable);
  });

  it('plain: does not read the record of another key, but what earlier versions wrote, which did not say whose', () => {
    expect(() => plain.open('b', plain.seal('a', written))).toThrow(unreadable);
    expect(plain.open('b', `1.plain.5.${JSON.stringify(record)}`)).toMatchObject({ record });
  });

  it.each([
    ['an encrypted value', sealed],
    ['half a JSON', '1.plain.5.{"accessToken":"access_tok'],
    ['null', '1.plain.5.null'],
    ['a list', '1.plain.5.[]'],
    ['a record without its token', `1.plain.5.${JSON.stringify({ ...record, accessToken: undefined })}`],
    ['a scope that is no list', `1.plain.5.${JSON.stringify({ ...record, scope: 'a b' })}`],
    ['a scope of numbers', `1.plain.5.${JSON.stringify({ ...record, scope: [1] })}`],
    ['a refresh token that is no text', `1.plain.5.${JSON.stringify({ ...record, refreshToken: 7 })}`],
    ['a time that is text', `1.plain.5.${JSON.stringify({ ...record, expiresAt: '7' })}`],
    ['no extra', `1.plain.5.${JSON.stringify({ ...record, extra: null })}`],
  ])('plain: does not read %s, nor quotes it', (_, value) => {
    const open = () => plain.open('a', value);
    expect(open).toThrow(unreadable);
    expect(open).not.toThrow(/access_tok/);
  });
});
