import { describe, expect, it } from 'vitest';
import { Envelope } from '../../src/redis/envelope.ts';
import { recordNumber } from './support/records.ts';

const oldKey = Buffer.alloc(32, 1);
const newKey = Buffer.alloc(32, 2);
const record = recordNumber(1, {
  refreshToken: 'refresh_token_1',
  extra: { name: 'Zoë', nested: [1, null] },
});
const unreadable = expect.objectContaining({ code: 'ERR_REDIS_UNREADABLE', reason: 'unreadable' });

describe('an envelope', () => {
  it.each([
    ['plain', []],
    ['encrypted', [oldKey]],
  ])('%s: gives back what went in', (_, keys) => {
    const envelope = new Envelope(keys);
    expect(envelope.open('a', envelope.seal('a', record))).toEqual(record);
  });

  it('shows the time of the token to the scripts, and nothing else when encrypted', () => {
    const sealed = new Envelope([oldKey]).seal('a', record);
    expect(sealed).toMatch(new RegExp(`^1\\.gcm\\.${record.obtainedAt}\\.[\\w-]+$`));
    expect(Buffer.from(sealed.split('.')[3] ?? '', 'base64url').toString('latin1')).not.toContain('token');
  });

  it('never looks the same twice', () => {
    const envelope = new Envelope([oldKey]);
    expect(envelope.seal('a', record)).not.toBe(envelope.seal('a', record));
  });

  it('writes with the first key and reads with all', () => {
    const sealedBefore = new Envelope([oldKey]).seal('a', record);
    const rotating = new Envelope([newKey, oldKey]);
    expect(rotating.open('a', sealedBefore)).toEqual(record);
    const sealedAfter = rotating.seal('a', record);
    expect(new Envelope([newKey]).open('a', sealedAfter)).toEqual(record);
    expect(() => new Envelope([oldKey]).open('a', sealedAfter)).toThrow(unreadable);
  });

  it('writes a fractional time as a whole one', () => {
    const fractional = recordNumber(0, { obtainedAt: 12.75 });
    const sealed = new Envelope([]).seal('a', fractional);
    expect(sealed).toMatch(/^1\.plain\.12\.\{/);
    expect(new Envelope([]).open('a', sealed)).toEqual(fractional);
  });

  const sealed = new Envelope([oldKey]).seal('a', record);
  const [version, kind, time, payload = ''] = sealed.split('.');
  it.each([
    ['another key in Redis', 'b', sealed],
    ['another time', 'a', [version, kind, Number(time) + 1, payload].join('.')],
    ['a changed byte', 'a', sealed.slice(0, -1) + (sealed.endsWith('A') ? 'E' : 'A')],
    ['a byte less', 'a', sealed.slice(0, -2)],
    ['too little to hold a tag', 'a', [version, kind, time, payload.slice(0, 20)].join('.')],
    ['another version', 'a', sealed.replace('1.', '2.')],
    ['a plain value, slipped in', 'a', new Envelope([]).seal('a', record)],
    ['garbage', 'a', 'garbage'],
    ['nothing', 'a', ''],
  ])('encrypted: does not read %s', (_, redisKey, value) => {
    expect(() => new Envelope([oldKey]).open(redisKey, value)).toThrow(unreadable);
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
    const open = () => new Envelope([]).open('a', value);
    expect(open).toThrow(unreadable);
    expect(open).not.toThrow(/access_tok/);
  });
});
