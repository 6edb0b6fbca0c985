import { describe, expect, test } from 'vitest';
import { clockFinding, TOLERATED_MS } from '../../src/cli/doctor/clock-offset.ts';
import { NOW } from './support.ts';

const at = (offsetMs: number): string => new Date(NOW + offsetMs).toUTCString();
const seconds = (count: number): number => count * 1_000;

describe('the clock, by a Date header of whole seconds', () => {
  test('30 s are tolerated', () => expect(TOLERATED_MS).toBe(seconds(30)));

  test.each([
    ['the same second', 0, 0, undefined],
    ['30 s behind', seconds(30), 0, undefined],
    ['31 s behind', seconds(31), 0, 'this machine is 31 s behind the server'],
    ['30 s ahead, and the rest of that second', -seconds(30), 0, undefined],
    ['31 s ahead: the header may be 999 ms old', -seconds(31), 0, 'this machine is 30 s ahead of the server'],
    ['5 min behind', seconds(300), 0, 'this machine is 5 min behind the server'],
    ['119 s behind, in seconds', seconds(119), 0, 'this machine is 119 s behind the server'],
    ['a slow reply explains 31 s', seconds(31), seconds(1), undefined],
  ])('%s', (_title, offsetMs, tookMs, words) => {
    const finding = clockFinding({ sentAt: NOW, receivedAt: NOW + tookMs, date: at(offsetMs) });
    expect(finding).toMatchObject(words === undefined ? { kind: 'ok' } : { kind: 'mend', what: words });
  });

  test('31 s ahead, sent on the last millisecond that the header allows', () => {
    const date = at(-seconds(31));
    expect(clockFinding({ sentAt: NOW - 1, receivedAt: NOW, date }).kind).toBe('ok');
    expect(clockFinding({ sentAt: NOW, receivedAt: NOW, date }).kind).toBe('mend');
  });

  test.each([
    undefined,
    '',
    'yesterday',
    '1767268800',
    new Date(NOW).toISOString(),
    'Thu, 99 Jan 2026 12:00:00 GMT',
  ])('no usable header (%j) is a note, not a fault', (date) => {
    expect(clockFinding({ sentAt: NOW, receivedAt: NOW, date }).kind).toBe('note');
  });
});
