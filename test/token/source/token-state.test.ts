import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Origin, TokenState } from '../../../src/token/source/token-state.ts';
import type { TokenRecord } from '../../../src/token/store/token-store.ts';
import { at, deferred } from '../support.ts';

const T0 = 1_000_000;
const LIFE = 100_000;
/** Without jitter the window of such a token opens 10 s before its end. */
const WINDOW = T0 + 90_000;
const END = T0 + LIFE;

function record(accessToken: string, from: number = T0, lifeMs: number = LIFE): TokenRecord {
  return { accessToken, scope: ['a'], obtainedAt: from, expiresAt: from + lifeMs, extra: {} };
}

interface Receipt {
  readonly now?: number;
  readonly origin?: Origin;
}

interface Window {
  readonly renewAheadMs?: number;
  readonly random?: number;
}

function holdingNone({ renewAheadMs = 60_000, random = 0 }: Window = {}): TokenState {
  return new TokenState('a', { renewAheadMs, random: () => random });
}

function receive(state: TokenState, token: TokenRecord, how: Receipt = {}): boolean {
  const { now = token.obtainedAt, origin = 'missing' } = how;
  return state.receive(token, origin, at(now), at(token.obtainedAt));
}

function holding(token: TokenRecord = record('t1'), how: Receipt & Window = {}): TokenState {
  const state = holdingNone(how);
  receive(state, token, how);
  return state;
}

describe('is the token fresh, usable, due? (B2, B3)', () => {
  test.each([
    ['at its receipt', T0, { fresh: true, usable: true, due: false }],
    ['just before the window', WINDOW - 1, { fresh: true, usable: true, due: false }],
    ['where the window opens', WINDOW, { fresh: false, usable: true, due: true }],
    ['just before its end', END - 1, { fresh: false, usable: true, due: true }],
    ['at its end', END, { fresh: false, usable: false, due: false }],
    ['long after', END + 1e9, { fresh: false, usable: false, due: false }],
  ])('%s', (_, now, expected) => {
    const state = holding();
    expect({
      fresh: state.isFresh(at(now)),
      usable: state.isUsable(at(now)),
      due: state.isDue(at(now)),
    }).toEqual(expected);
  });

  test.each([
    ['with the most jitter the window is 20 % shorter', { random: 1 }, T0 + 92_000],
    ['with "renewAheadMs": 5000 it is that long', { renewAheadMs: 5_000 }, T0 + 95_000],
    ['with "renewAheadMs": 0 there is none', { renewAheadMs: 0 }, END],
  ])('%s', (_, how, opensAt) => {
    const state = holding(record('t1'), how);
    expect(state.isFresh(at(opensAt - 1))).toBe(true);
    expect(state.isFresh(at(opensAt))).toBe(false);
  });

  test('with "renewAheadMs": 0 the token is never due', () => {
    const state = holding(record('t1'), { renewAheadMs: 0 });
    expect(state.isDue(at(END - 1))).toBe(false);
    expect(state.isUsable(at(END - 1))).toBe(true);
  });

  test('without a token there is nothing to use', () => {
    const state = holdingNone();
    expect([state.isFresh(at(T0)), state.isUsable(at(T0)), state.isDue(at(T0))]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('the same token again (B4)', () => {
  test.each([
    ['at the window, the next renewal is in a window of the rest', WINDOW, END - 1_000],
    ['in the last second, there is none: the token is used to its end', END - 900, END],
    ['before the window, there is none before that of the rest', T0 + 10_000, END - 9_000],
  ])('%s', (_, now, next) => {
    const state = holding();
    const told = { ...record('t1', now), expiresAt: END };
    expect(receive(state, told, { now, origin: 'renew-ahead' })).toBe(true);
    expect(state.isFresh(at(next - 1))).toBe(true);
    expect(state.isFresh(at(next))).toBe(false);
    expect(state.isUsable(at(END - 1))).toBe(true);
    expect(state.isUsable(at(END))).toBe(false);
  });

  test('is not renewed early with "renewAheadMs": 0', () => {
    const state = holding(record('t1'), { renewAheadMs: 0 });
    receive(state, { ...record('t1', T0 + 1_000), expiresAt: END }, { origin: 'refused' });
    expect(state.isFresh(at(END - 1))).toBe(true);
  });

  test('is half of what is left later where that is later than the window', () => {
    const state = holding(record('t1'), { renewAheadMs: 60_000, random: 1 });
    receive(state, { ...record('t1', T0), expiresAt: END }, { now: END - 4_000, origin: 'renew-ahead' });
    expect(state.isFresh(at(END - 2_000 - 1))).toBe(true);
    expect(state.isFresh(at(END - 2_000))).toBe(false);
  });

  test.each([
    ['rounded up by the server: it does not end later', 1_000, 'missing', END],
    ['rounded down: it does not end earlier', -500, 'missing', END],
    ['with a longer life: a second of it may be rounding', 60_000, 'missing', END + 59_000],
    ['with a shorter life, by hand', -60_000, 'by-hand', END - 60_000],
  ] as const)('%s', (_, difference, origin, end) => {
    const state = holding();
    receive(state, { ...record('t1', T0 + 1_000), expiresAt: END + difference }, { origin });
    expect(state.isUsable(at(end - 1))).toBe(true);
    expect(state.isUsable(at(end))).toBe(false);
  });

  test('with a new life has a new window', () => {
    const state = holding();
    receive(state, record('t1', WINDOW), { now: WINDOW });
    expect(state.isFresh(at(WINDOW + 89_000 - 1))).toBe(true);
    expect(state.isFresh(at(WINDOW + 89_000))).toBe(false);
  });

  test.each([
    ['just before its end: not used longer for that', END - 1, END],
    ['at its end, as the server rounds up: for half a second more (B5)', END, END + 500],
  ])('%s', (_, now, end) => {
    const state = holding();
    receive(state, { ...record('t1', now), expiresAt: now }, { now, origin: 'expired' });
    expect(state.isUsable(at(end - 1))).toBe(true);
    expect(state.isUsable(at(end))).toBe(false);
  });

  test('another token is told to be another', () => {
    expect(receive(holding(), record('t2', WINDOW))).toBe(false);
  });
});

describe('a renewal in the background that failed (B2)', () => {
  test('is followed by the next one half of what is left later', () => {
    const state = holding();
    state.postponeRenewal(at(WINDOW));
    expect(state.isDue(at(WINDOW + 5_000 - 1))).toBe(false);
    expect(state.isDue(at(WINDOW + 5_000))).toBe(true);
  });

  test('makes no token fresh again beyond its end', () => {
    const state = holding();
    state.postponeRenewal(at(END - 100));
    expect(state.isFresh(at(END - 1))).toBe(true);
    expect(state.isFresh(at(END))).toBe(false);
  });

  test('of a token that was dropped meanwhile changes nothing', () => {
    const state = holding();
    state.refuse('t1', at(WINDOW), 'as-held');
    state.postponeRenewal(at(WINDOW));
    expect(state.isFresh(at(WINDOW))).toBe(false);
  });
});

describe('a token that has expired on arrival (B5)', () => {
  test.each([
    ['at its receipt', T0 + 30, true],
    ['499 ms later', T0 + 529, true],
    ['500 ms later', T0 + 530, false],
  ])('%s', (_, now, usable) => {
    const state = holding(record('t1', T0, 0), { now: T0 + 30 });
    expect(state.isUsable(at(now))).toBe(usable);
    expect(state.isDue(at(now))).toBe(false); // a renewal would bring no more than this one did
  });

  test('is used no longer than it lives when it comes from a store', () => {
    const state = holding(record('t1', T0, 100), { now: T0 + 50, origin: 'found' });
    expect(state.isUsable(at(T0 + 99))).toBe(true);
    expect(state.isUsable(at(T0 + 100))).toBe(false);
  });
});

describe('why a token would be minted now', () => {
  test.each([
    ['missing', () => holdingNone(), T0],
    ['renew-ahead', () => holding(), WINDOW],
    ['expired', () => holding(), END],
    ['refused', () => refused('t1'), T0],
    [
      'missing',
      () => {
        const state = holding();
        state.forgetAccessToken();
        return state;
      },
      T0,
    ],
  ] as const)('%s', (cause, make, now) => {
    expect(make().mintCause(at(now))).toBe(cause);
  });
});

/** A state whose token was refused. */
function refused(value: string, now: number = T0): TokenState {
  const state = holding(record(value));
  state.refuse(value, at(now), 'as-held');
  return state;
}

describe('may a record of the store be used?', () => {
  test.each([
    ['a living one', record('t2'), true],
    ['one that ends in a millisecond', record('t2', T0, 1), true],
    ['one that ends now', record('t2', T0, 0), false],
    ['one without an access token: only its refresh token is kept', record(''), false],
  ])('%s', (_, stored, expected) => {
    expect(holdingNone().mayAdopt(stored, at(T0))).toBe(expected);
  });

  test('the refused value never, another one yes (D2)', () => {
    const state = refused('t1');
    expect(state.mayAdopt(record('t1'), at(T0))).toBe(false);
    expect(state.mayAdopt(record('t2'), at(T0))).toBe(true);
  });

  test('a value that was forgotten by hand no more, until the token endpoint hands it out again (C5)', () => {
    const state = holding();
    state.forgetAccessToken();
    expect(state.mayAdopt(record('t1'), at(T0))).toBe(false);
    expect(state.mayAdopt(record('t2'), at(T0))).toBe(true);
    receive(state, record('t1'));
    expect(state.mayAdopt(record('t1', T0 + 1), at(T0))).toBe(true);
  });

  test('the very token that we hold says nothing new, unless somebody has asked the server since', () => {
    const state = holding();
    expect(state.mayAdopt(record('t1'), at(WINDOW))).toBe(false);
    expect(state.mayAdopt(record('t1', T0 + 1), at(WINDOW))).toBe(true);
  });

  test('one that the store held when all was forgotten is not, whoever writes it again', () => {
    const state = holding();
    state.forgetAll();
    state.forgetFound(record('t2'));
    expect(state.mayAdopt(record('t2', T0 + 1), at(T0 + 1))).toBe(false);
    expect(state.mayAdopt(record('t3', T0 - 1), at(T0 + 1))).toBe(true);
  });

  test('the first one found is not where all tokens were forgotten before this one was asked for', () => {
    const state = holdingNone();
    state.forgetFirstFound();
    // No answer.
    state.noteFound(undefined);
    state.noteFound(record('t1'));
    expect(state.mayAdopt(record('t1'), at(T0))).toBe(false);
    state.noteFound(record('t2'));
    expect(state.mayAdopt(record('t2'), at(T0))).toBe(true);
  });

  test('but for one that comes where the store held none', () => {
    const state = holdingNone();
    state.forgetFirstFound();
    state.noteFound(null);
    state.noteFound(record('t1'));
    expect(state.mayAdopt(record('t1'), at(T0))).toBe(true);
  });

  test('but for one that comes once a token was received since', () => {
    const state = holdingNone();
    state.forgetFirstFound();
    receive(state, record('t1'));
    state.noteFound(record('t2'));
    expect(state.mayAdopt(record('t2'), at(T0))).toBe(true);
  });

  test('no value that was refused here, however many there were (H2)', () => {
    const state = holding();
    for (let n = 2; n <= 33; n++) state.refuse(`t${n}`, at(T0), 'as-held');
    for (let n = 2; n <= 33; n++) expect(state.mayAdopt(record(`t${n}`), at(T0))).toBe(false);
    state.refuse('t34', at(T0), 'as-held');
    expect(state.mayAdopt(record('t2'), at(T0))).toBe(true);
  });

  test.each([
    ['an hour fast: it lives as long as it was to', 3_600_000, LIFE],
    ['an hour slow: it seems over', -3_600_000, 0],
  ])('of a sibling whose clock is %s (T3)', (_, aheadMs, lifeMs) => {
    const state = holdingNone();
    const found = record('t2', T0 + aheadMs);
    expect(state.mayAdopt(found, at(T0))).toBe(lifeMs > 0);
    if (lifeMs === 0) return;
    state.receive(found, 'found', at(T0));
    expect(state.isUsable(at(T0 + lifeMs - 1))).toBe(true);
    expect(state.isUsable(at(T0 + lifeMs))).toBe(false);
    // The store may show it for another hour.
    expect(state.mayAdopt(found, at(T0 + lifeMs))).toBe(false);
  });
});

/** Dead ones may be handed in one after the other, and a call has three sends (D3). */
describe('a token that was found in the place of a refused one is refused as well', () => {
  const since = T0 + 50_000;
  const [old, recent] = [record('t3', since - 1), record('t3', since)];

  test.each<[string, (state: TokenState) => void, boolean]>([
    ['next, a token is taken that a sibling minted because of this', () => {}, false],
    ['unless it has succeeded', (state) => state.succeed('t2', at(T0), 'as-held'), true],
    [
      'unless another one of ours has come',
      (state) => receive(state, record('t2b', T0), { origin: 'refused' }),
      true,
    ],
  ])('%s', (_, before, isOldTaken) => {
    const state = holding();
    state.refuse('t1', at(T0), 'as-held');
    receive(state, record('t2'), { origin: 'found' });
    before(state);
    expect(state.refuse(state.record?.accessToken ?? '', at(since), 'by-renewal')).not.toBe('superseded');
    expect(state.mayAdopt(old, at(since))).toBe(isOldTaken);
    expect(state.mayAdopt(recent, at(since))).toBe(true);
  });

  test('one that was found for another reason says nothing of others', () => {
    const state = holding(record('t1'), { origin: 'found' });
    state.refuse('t1', at(since), 'as-held');
    expect(state.mayAdopt(old, at(since))).toBe(true);
  });

  test('once another token has come, any may be taken', () => {
    const state = holding();
    state.refuse('t1', at(T0), 'as-held');
    receive(state, record('t2'), { origin: 'found' });
    state.refuse('t2', at(since), 'as-held');
    receive(state, record('t4', since), { origin: 'refused' });
    state.succeed('t4', at(since), 'by-renewal');
    state.refuse('t4', at(since + 1), 'as-held');
    expect(state.mayAdopt(old, at(since + 1))).toBe(true);
  });
});

describe('steps of the wall clock (T1)', () => {
  const stepped = (timeMs: number, stepMs: number) => ({ ...at(timeMs), wallMs: timeMs + stepMs });

  test.each([-3_600_000, 3_600_000])('of %d ms make no token live longer', (stepMs) => {
    const state = holding();
    expect(state.isUsable(stepped(END, stepMs))).toBe(false);
    expect(state.isFresh(stepped(WINDOW, stepMs))).toBe(false);
    expect(state.isDead(stepped(END, stepMs))).toBe(true);
    expect(state.isDead(stepped(END - 1, stepMs))).toBe(false);
  });

  test('while a token was asked for: its life counts from when it was, by the clock that was not set (B1)', () => {
    const state = holdingNone();
    state.receive(record('t1'), 'missing', stepped(T0 + 5_000, -3_600_000), at(T0));
    expect(state.isUsable(stepped(END - 1, -3_600_000))).toBe(true);
    expect(state.isUsable(stepped(END, -3_600_000))).toBe(false);
  });

  test('forward, past the end of a token that the server then gives again: it lives on', () => {
    const state = holding();
    const now = stepped(T0 + 1_000, 3_600_000);
    expect(state.isUsable(now)).toBe(false);
    const same = record('t1', now.wallMs, LIFE - 1_000);
    state.receive(same, 'expired', now);
    // A second may be rounding.
    expect(state.isFresh(stepped(END - 10_901, 3_600_000))).toBe(true);
    expect(state.isUsable(stepped(END - 1_000, 3_600_000))).toBe(false);
  });

  test.each([-3_600_000, 3_600_000])('of %d ms make no pause longer (D5)', (stepMs) => {
    const state = holding(record('t1', T0, 7_200_000));
    state.refuse('t1', at(T0), 'as-held');
    receive(state, record('t2', T0, 7_200_000), { origin: 'refused' });
    expect(state.refuse('t2', at(T0), 'as-held')).toBe('paused');
    expect(state.refuse('t2', stepped(T0 + 1_000, stepMs), 'as-held')).toBe('dropped');
  });
});

describe('what a 401 means depends on the refused value (D2, D3)', () => {
  test('of the token in use: it is dropped', () => {
    const state = holding();
    expect(state.refuse('t1', at(T0), 'as-held')).toBe('dropped');
    expect(state.isUsable(at(T0))).toBe(false);
    expect(state.mintCause(at(T0))).toBe('refused');
  });

  test('of an older token, however late: the one in use stays', () => {
    const state = holding();
    receive(state, record('t2', T0 + 1));
    expect(state.refuse('t1', at(T0 + 50_000), 'as-held')).toBe('superseded');
    expect(state.isUsable(at(T0 + 50_000))).toBe(true);
  });

  test('of the dropped one again: no second renewal is owed', () => {
    const state = refused('t1');
    const since = state.snapshot();
    expect(state.refuse('t1', at(T0), 'as-held')).toBe('superseded');
    expect(state.broughtRefused(record('t1'), since)).toBe(false);
  });

  test('of the token that has expired meanwhile: it must not come back from a store', () => {
    const state = holding();
    expect(state.refuse('t1', at(END), 'as-held')).toBe('dropped');
    expect(state.mayAdopt({ ...record('t1'), expiresAt: END + 500 }, at(END))).toBe(false);
  });

  test('of an unknown token while none is in use: it is as good as dropped, and nothing is held against others', () => {
    const state = holdingNone();
    expect(state.refuse('t0', at(T0), 'as-held')).toBe('superseded');
    expect(state.mintCause(at(T0))).toBe('missing');
  });
});

describe('did a mint bring the value that was refused after it began? (D3)', () => {
  test.each([
    ['begun before the refusal, same value: one more is owed', 'before', 't1', true],
    ['begun before the refusal, another value: that is the answer', 'before', 't2', false],
    ['begun after the refusal, same value: that is the answer', 'after', 't1', false],
  ])('%s', (_, begun, brought, expected) => {
    const state = holding();
    const before = state.snapshot();
    state.refuse('t1', at(T0), 'as-held');
    const since = begun === 'before' ? before : state.snapshot();
    expect(state.broughtRefused(record(brought), since)).toBe(expected);
  });
});

describe('renewals that did not help pause (D5)', () => {
  /** One round: the token is refused, renewed for it, and refused again. */
  function renewedInVain(state: TokenState, round: number, now: number): void {
    state.refuse(`t${round}`, at(now), 'as-held');
    receive(state, record(`t${round + 1}`, now), { origin: 'refused' });
    expect(state.refuse(`t${round + 1}`, at(now), 'as-held')).toBe('paused');
  }

  test('a token minted because of a refusal and refused itself: 1 s', () => {
    const state = holding();
    renewedInVain(state, 1, T0);
    expect(state.refuse('t2', at(T0 + 999), 'as-held')).toBe('paused');
    expect(state.isUsable(at(T0 + 999))).toBe(true);
    expect(state.refuse('t2', at(T0 + 1_000), 'as-held')).toBe('dropped');
  });

  test('doubling, up to 60 s', () => {
    const state = holding();
    let now = T0;
    const pauses: number[] = [];
    for (let round = 1; round <= 8; round++) {
      renewedInVain(state, round, now);
      let pause = 0;
      for (const candidate of [1, 2, 4, 8, 16, 32, 60, 120]) {
        if (state.refuse(`t${round + 1}`, at(now + candidate * 1_000 - 1), 'as-held') === 'paused')
          pause = candidate;
        else break;
      }
      pauses.push(pause);
      // The probing has dropped the token: the round that follows begins with a new one.
      now += pause * 1_000;
      receive(state, record(`t${round + 1}`, now), { origin: 'missing' });
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test('one success ends the pause', () => {
    const state = holding();
    renewedInVain(state, 1, T0);
    state.succeed('t2', at(T0), 'as-held');
    expect(state.refuse('t2', at(T0 + 1), 'as-held')).toBe('dropped');
  });

  test('one success ends the pause, but the request it was renewed for does not have it renewed again', () => {
    const state = holding();
    renewedInVain(state, 1, T0);
    state.refuse('t2', at(T0), 'by-renewal');
    state.succeed('t2', at(T0), 'as-held');
    expect(state.refuse('t2', at(T0 + 1), 'by-renewal')).toBe('paused');
    expect(state.refuse('t2', at(T0 + 1), 'as-held')).toBe('dropped');
  });

  test('a renewal counts once: not again where a late refusal meets what it brought', () => {
    const state = holding();
    for (let round = 1; round <= 3; round++) {
      expect(state.refuse('t1', at(T0), 'as-held')).toBe('dropped');
      receive(state, record('t1'), { origin: 'refused' });
      expect(state.refuse('t1', at(T0), 'as-held')).toBe('paused');
      state.succeed('t1', at(T0), 'as-held');
    }
    expect(state.refuse('t1', at(T0), 'as-held')).toBe('dropped');
  });

  test('after two minutes of peace a success ends the row, and the next pause is the first again', () => {
    const state = holding();
    refusedInOnePlace(state, 5, T0);
    const later = T0 + 120_001;
    receive(state, record('t9', later), { origin: 'missing' });
    state.succeed('t9', at(later), 'as-held');
    renewedInVain(state, 9, later);
    expect(state.refuse('t10', at(later + 999), 'as-held')).toBe('paused');
    expect(state.refuse('t10', at(later + 1_000), 'as-held')).toBe('dropped');
  });

  test('a renewed token that is refused to the very request that had it renewed: also where another succeeded', () => {
    const state = holding();
    state.refuse('t1', at(T0), 'as-held');
    receive(state, record('t2'), { origin: 'refused' });
    state.succeed('t2', at(T0), 'as-held');
    expect(state.refuse('t2', at(T0), 'by-renewal')).toBe('paused');
    expect(state.isUsable(at(T0))).toBe(true);
    state.succeed('t2', at(T0), 'as-held');
    expect(state.refuse('t2', at(T0), 'as-held')).toBe('dropped');
  });

  test('a token that came otherwise and is refused to a replay is dropped', () => {
    const state = holding();
    state.refuse('t1', at(T0), 'as-held');
    receive(state, record('t2'), { origin: 'found' });
    expect(state.refuse('t2', at(T0), 'by-renewal')).toBe('dropped');
  });

  /** An endpoint that refuses any token, among others that accept it: `rounds` renewals in vain, successes between. */
  function refusedInOnePlace(state: TokenState, rounds: number, now: number, first = 1): void {
    for (let round = first; round < first + rounds; round++) {
      renewedInVain(state, round, now);
      state.succeed(`t${round + 1}`, at(T0), 'as-held');
    }
  }

  test('after three in vain, successes elsewhere end no pause, and pauses go on doubling', () => {
    const state = holding();
    refusedInOnePlace(state, 3, T0);
    expect(state.refuse('t4', at(T0), 'as-held')).toBe('dropped');
    receive(state, record('t5'), { origin: 'refused' });
    state.refuse('t5', at(T0), 'by-renewal');
    state.succeed('t5', at(T0), 'as-held');
    expect(state.refuse('t5', at(T0 + 999), 'as-held')).toBe('paused');
    expect(state.refuse('t5', at(T0 + 1_000), 'as-held')).toBe('dropped');
    receive(state, record('t6'), { origin: 'refused' });
    state.refuse('t6', at(T0 + 1_000), 'by-renewal');
    state.succeed('t6', at(T0), 'as-held');
    expect(state.refuse('t6', at(T0 + 2_999), 'as-held')).toBe('paused');
    expect(state.refuse('t6', at(T0 + 3_000), 'as-held')).toBe('dropped');
  });

  test('a renewal that brings the refused token is one in vain', () => {
    const state = holding();
    for (let round = 1; round <= 4; round++) {
      expect(state.refuse('t1', at(T0), 'as-held')).toBe('dropped');
      receive(state, record('t1'), { origin: 'refused' });
      state.succeed('t1', at(T0), 'as-held');
    }
    expect(state.refuse('t1', at(T0 + 999), 'as-held')).toBe('paused');
    expect(state.refuse('t1', at(T0 + 1_000), 'as-held')).toBe('dropped');
  });

  test('a renewal that helps ends the row', () => {
    const state = holding();
    refusedInOnePlace(state, 3, T0);
    state.refuse('t4', at(T0), 'as-held');
    receive(state, record('t5'), { origin: 'refused' });
    state.succeed('t5', at(T0), 'by-renewal');
    refusedInOnePlace(state, 3, T0, 5);
    expect(state.refuse('t8', at(T0), 'as-held')).toBe('dropped');
  });

  test.each([
    [120_000, 'paused'],
    [120_001, 'dropped'],
  ] as const)('and so do %d ms of peace: then the next refusal is %s', (peaceMs, expected) => {
    const state = holding();
    refusedInOnePlace(state, 3, T0);
    const later = T0 + peaceMs;
    receive(state, record('t4', later), { origin: 'missing' });
    refusedInOnePlace(state, 1, later, 4);
    expect(state.refuse('t5', at(later), 'as-held')).toBe(expected);
  });

  test('the success of an older token does not', () => {
    const state = holding();
    renewedInVain(state, 1, T0);
    state.succeed('t1', at(T0), 'as-held');
    expect(state.refuse('t2', at(T0 + 1), 'as-held')).toBe('paused');
  });

  test('a success in between: a later refusal renews at once', () => {
    const state = holding();
    state.refuse('t1', at(T0), 'as-held');
    receive(state, record('t2'), { origin: 'refused' });
    state.succeed('t2', at(T0), 'as-held');
    expect(state.refuse('t2', at(T0), 'as-held')).toBe('dropped');
  });

  test.each(['missing', 'expired', 'renew-ahead', 'found'] as const)(
    'a token that came otherwise (%s) may be refused once without a pause',
    (origin) => {
      const state = holding(record('t1'), { origin });
      expect(state.refuse('t1', at(T0), 'as-held')).toBe('dropped');
    },
  );

  test('setToken: the token of another origin is given its chance', () => {
    const state = holding();
    state.refuse('t1', at(T0), 'as-held');
    receive(state, record('t2'), { origin: 'refused' });
    state.receive(record('t3'), 'by-hand', at(T0));
    expect(state.refuse('t3', at(T0), 'as-held')).toBe('dropped');
  });
});

describe("what still counts of a mint's result (C5)", () => {
  const result: TokenRecord = { ...record('t2', T0 + 1), refreshToken: 'r2' };
  test.each([
    ['all of it where nobody decided otherwise', () => {}, result],
    [
      'all of it although the token was refused',
      (state: TokenState) => state.refuse('t1', at(T0), 'as-held'),
      result,
    ],
    [
      'the refresh token where the access token was forgotten',
      (state: TokenState) => state.forgetAccessToken(),
      { ...result, accessToken: '', expiresAt: 0 },
    ],
    ['nothing where all was forgotten', (state: TokenState) => state.forgetAll(), undefined],
    [
      'nothing where another token was set',
      (state: TokenState) => state.receive(record('t9'), 'by-hand', at(T0)),
      undefined,
    ],
    [
      'nothing where another token was set and then forgotten',
      (state: TokenState) => {
        state.receive(record('t9'), 'by-hand', at(T0));
        state.forgetAccessToken();
      },
      undefined,
    ],
  ])('%s', (_, decide, expected) => {
    const state = holding({ ...record('t1'), refreshToken: 'r1' });
    const since = state.snapshot();
    decide(state);
    const counting = state.whatCounts(result, since);
    expect(counting).toEqual(expected);
    if (counting?.accessToken === '') state.hold(counting);
    if (expected?.accessToken === '') expect(state.record?.refreshToken).toBe('r2');
    else expect(state.record?.refreshToken).not.toBe('r2');
  });

  test('nothing of a result without a refresh token', () => {
    const state = holding();
    const since = state.snapshot();
    state.forgetAccessToken();
    expect(state.whatCounts(record('t2'), since)).toBeUndefined();
  });
});

describe('the record under another key of the store is another token (B6)', () => {
  test.each([
    ['the same key', 'key', true],
    ['another key: the secret was rotated', 'other', false],
  ])('%s', (_, key, isHeld) => {
    const state = holding();
    state.storeKey = 'key';
    expect(state.heldUnder(key)).toBe(isHeld ? state.record : undefined);
  });

  test('as long as no key is known it is any', () => {
    const state = holding();
    expect(state.heldUnder('key')).toBe(state.record);
  });
});

describe('may the state itself be forgotten?', () => {
  const none = () => {};
  test.each([
    ['with a usable token: no', holding, none, END - 1, false],
    ['once it has expired: yes', holding, none, END, true],
    [
      'with a refresh token: never',
      () => holding({ ...record('t1'), refreshToken: 'r1' }),
      none,
      END + 1e12,
      false,
    ],
    ['without anything: yes', () => holdingNone(), none, T0, true],
    [
      'with a token that was refused: no, as a store may still show it (H2)',
      holding,
      (state: TokenState) => void state.refuse('t1', at(T0), 'as-held'),
      END - 1,
      false,
    ],
    [
      'with a token that was forgotten by hand: no',
      holding,
      (state: TokenState) => state.forgetAll(),
      END - 1,
      false,
    ],
    [
      'once what was refused has expired: yes',
      holding,
      (state: TokenState) => void state.refuse('t1', at(T0), 'as-held'),
      END,
      true,
    ],
    [
      'with a mint under way: no',
      () => holdingNone(),
      (state: TokenState) => {
        state.mint = {} as never;
      },
      T0,
      false,
    ],
    [
      'with a change under way: no',
      () => holdingNone(),
      (state: TokenState) => void state.change(() => new Promise(() => {})),
      T0,
      false,
    ],
  ])('%s', (_, make, prepare, now, expected) => {
    const state = make();
    prepare(state);
    expect(state.isDead(at(now))).toBe(expected);
  });

  test.each([
    ['during a pause: no', 999, false],
    ['after it: yes', 1_000, true],
  ])('%s', (_, later, expected) => {
    const state = holding(record('t1', T0, 1_000));
    state.refuse('t1', at(T0), 'as-held');
    receive(state, record('t2', T0, 500), { origin: 'refused' });
    state.refuse('t2', at(T0), 'as-held');
    expect(state.isDead(at(T0 + later))).toBe(expected);
  });
});

describe('a token by hand', () => {
  test('is used until it expires, with a window like any other', () => {
    const state = holdingNone();
    state.receive(record('t1'), 'by-hand', at(T0));
    expect(state.isFresh(at(WINDOW - 1))).toBe(true);
    expect(state.isDue(at(WINDOW))).toBe(true);
    expect(state.isUsable(at(END))).toBe(false);
  });

  test('without an access token is not used', () => {
    const state = holdingNone();
    state.receive({ ...record('', T0, 0), refreshToken: 'r1' }, 'by-hand', at(T0));
    expect(state.isUsable(at(T0))).toBe(false);
    expect(state.record?.refreshToken).toBe('r1');
  });
});

test('a token by hand with the value that is held has a life of its own, be it a moment longer', () => {
  const state = holding();
  state.receive(record('t1', T0, LIFE + 500), 'by-hand', at(T0));
  expect(state.isUsable(at(END + 499))).toBe(true);
  expect(state.isUsable(at(END + 500))).toBe(false);
});

test('what is forgotten of a store is not what is held', () => {
  const state = holding({ ...record('t1'), refreshToken: 'r1' });
  state.forgetFound({ ...record('t1'), refreshToken: 'r1' });
  state.forgetFound({ ...record('t2'), refreshToken: 'r2' });
  expect([state.mayRefreshWith('r1'), state.mayRefreshWith('r2')]).toEqual([true, false]);
  const shown = (value: string) => state.mayAdopt(record(value, T0 + 1), at(T0 + 1));
  expect([shown('t1'), shown('t2'), shown('t3')]).toEqual([true, false, true]);
});

test('a token is not given up before the last of its changes by hand is carried out', async () => {
  const state = holdingNone();
  const gate = deferred();
  const first = state.change(async () => {});
  const second = state.change(() => gate.promise);
  await first;
  await turn();
  expect(state.isDead(at(T0))).toBe(false);
  gate.resolve();
  await second;
  await turn();
  expect(state.isDead(at(T0))).toBe(true);
});

test('changes by hand are carried out one after the other, also behind one that failed', async () => {
  const state = holding();
  const gate = deferred();
  const order: number[] = [];
  const first = state.change(async () => {
    await gate.promise;
    order.push(1);
    throw new Error('first');
  });
  const second = state.change(async () => order.push(2));
  expect(state.changing).toBeDefined();
  gate.resolve();
  await expect(first).rejects.toThrow('first');
  expect(await second).toBe(2);
  await state.changing;
  expect(order).toEqual([1, 2]);
  expect(state.changing).toBeUndefined();
});
