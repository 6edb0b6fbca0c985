import { describe, expect, test } from 'vitest';
import type { Failure } from '../../../src/token/endpoint/token-endpoint.ts';
import { MintGate, type Permit, type Streak } from '../../../src/token/mint/gate.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const START = Date.UTC(2026, 0, 1);

const FAULT: Failure = {
  kind: 'fault',
  what: 'status 502',
  status: 502,
  cause: new Error('status 502'),
};
const UNUSABLE: Failure = { kind: 'unusable', status: 200, reason: 'it is empty' };

interface Surroundings {
  readonly clock: ManualClock;
  readonly gate: MintGate;
}

function surroundings({ random = (): number => 1, tokenAttempts = 4 } = {}): Surroundings {
  const clock = new ManualClock(START);
  return { clock, gate: new MintGate(clock, random, tokenAttempts) };
}

/** A permit; the gate has to be open. */
function pass(gate: MintGate): Permit {
  const answer = gate.ask();
  if (answer.kind !== 'pass') throw new Error(`The gate is closed: ${answer.kind}.`);
  return answer.permit;
}

/** What is left of the block, in milliseconds by the wall clock; undefined where nobody is held up. */
function leftMs({ clock, gate }: Surroundings): number | undefined {
  const { block } = gate;
  return block === undefined ? undefined : block.until.wallMs - clock.now();
}

function shown({ attempts, since, until }: Streak): { attempts: number; since: number; until: number } {
  return { attempts, since: since.wallMs, until: until.wallMs };
}

/** One failed try by itself; then it is the time of the next. */
function failOnce(here: Surroundings): { streak: ReturnType<typeof shown>; kind: string | undefined } {
  const permit = pass(here.gate);
  const streak = shown(here.gate.failed(permit, FAULT, 'try-again'));
  const kind = here.gate.block?.kind;
  permit.release();
  here.clock.advance(leftMs(here) ?? 0);
  return { streak, kind };
}

describe('an open gate', () => {
  test('lets any number pass side by side', () => {
    const { gate, clock } = surroundings();
    pass(gate);
    pass(gate);
    expect([gate.block, clock.pending]).toEqual([undefined, 0]);
  });
});

describe('failed tries (E6)', () => {
  test('are followed by back-offs that double, then by pauses that double up to 30 s', () => {
    const here = surroundings();
    const delays: number[] = [];
    const kinds: (string | undefined)[] = [];
    for (let n = 1; n <= 11; n++) {
      const now = here.clock.now();
      const { streak, kind } = failOnce(here);
      expect(streak).toEqual({ attempts: n, since: START, until: streak.until });
      delays.push(streak.until - now);
      kinds.push(kind);
    }
    expect(delays).toEqual([200, 400, 800, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect(kinds).toEqual(['back-off', 'back-off', 'back-off', ...new Array(8).fill('pause')]);
  });

  test.each([
    [0, 100],
    [0.5, 150],
    [1, 200],
  ])('a back-off is jittered: at %d it takes %d ms', (random, expected) => {
    const here = surroundings({ random: () => random });
    here.gate.failed(pass(here.gate), FAULT, 'try-again');
    expect(leftMs(here)).toBe(expected);
  });

  test('with one attempt allowed, the first failure is followed by a pause', () => {
    const here = surroundings({ tokenAttempts: 1 });
    expect(failOnce(here)).toEqual({
      streak: { attempts: 1, since: START, until: START + 1_000 },
      kind: 'pause',
    });
  });

  test('where nobody waits for another try, the first failure is followed by a pause (C3)', () => {
    const here = surroundings();
    here.gate.failed(pass(here.gate), FAULT, 'leave-it');
    expect([here.gate.block?.kind, leftMs(here)]).toEqual(['pause', 1_000]);
  });

  test('what trying again does not help: the next mint may go out at once; after as many as tries, a pause follows', () => {
    const here = surroundings();
    for (let n = 1; n <= 3; n++) {
      const permit = pass(here.gate);
      const streak = here.gate.failed(permit, UNUSABLE, 'try-again');
      expect(shown(streak)).toEqual({ attempts: n, since: START, until: START });
      permit.release();
    }
    const last = here.gate.failed(pass(here.gate), UNUSABLE, 'try-again');
    expect(shown(last)).toEqual({ attempts: 4, since: START, until: START + 1_000 });
    expect(here.gate.block?.kind).toBe('pause');
  });

  test('one such failure behind passing ones is followed by no pause yet', () => {
    const here = surroundings();
    failOnce(here);
    failOnce(here);
    here.gate.failed(pass(here.gate), UNUSABLE, 'try-again');
    expect(here.gate.block).toBeUndefined();
  });

  test("beside another's rate limit, a failure is told as the one that it is", () => {
    const { gate } = surroundings();
    const [one, other] = [pass(gate), pass(gate)];
    const delayMs = gate.rateLimited(10_000, one);
    const streak = gate.failed(other, FAULT, 'try-again');
    expect(shown(streak)).toEqual({ attempts: 1, since: START, until: START + delayMs });
    expect(gate.block?.kind).toBe('cool-down');
  });

  test('after a pause that unusable replies brought, a passing fault goes on with the pauses', () => {
    const { gate, clock } = surroundings({ tokenAttempts: 2 });
    for (let n = 1; n <= 2; n++) {
      const permit = pass(gate);
      gate.failed(permit, UNUSABLE, 'try-again');
      permit.release();
    }
    clock.advance(1_000);
    const streak = gate.failed(pass(gate), FAULT, 'try-again');
    expect(shown(streak)).toEqual({ attempts: 3, since: START, until: START + 3_000 });
  });

  test('side by side count once', () => {
    const { gate } = surroundings();
    const permits = [pass(gate), pass(gate), pass(gate)];
    const streaks = permits.map((permit) => shown(gate.failed(permit, FAULT, 'try-again')));
    expect(streaks).toEqual(new Array(3).fill({ attempts: 1, since: START, until: START + 200 }));
  });

  test('an answer ends the streak: the next failure is the first again', () => {
    const here = surroundings();
    for (let n = 1; n <= 5; n++) failOnce(here);
    const permit = pass(here.gate);
    here.gate.answered(permit);
    permit.release();
    expect(here.gate.block === undefined).toBe(true);
    const since = here.clock.now();
    expect(failOnce(here).streak).toEqual({ attempts: 1, since, until: since + 200 });
  });

  test('an answer to what was sent before the trouble ends nothing', () => {
    const { gate } = surroundings();
    const [early, failing] = [pass(gate), pass(gate)];
    gate.failed(failing, FAULT, 'try-again');
    gate.answered(early);
    expect([gate.block === undefined, gate.maySend(early), gate.maySend(failing)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('who has passed may not send once a longer wait was told side by side, and may when it is over', () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    const [first, second] = [pass(gate), pass(gate)];
    gate.rateLimited(0, first);
    const probe = pass(gate);
    expect(gate.maySend(probe)).toBe(true);
    gate.rateLimited(60_000, second);
    expect(gate.maySend(probe)).toBe(false);
    clock.advance(59_999);
    expect(gate.maySend(probe)).toBe(false);
    clock.advance(1);
    expect(gate.maySend(probe)).toBe(true);
  });
});

describe('a mint that comes to a closed gate is told why', () => {
  test.each([
    ['back-off', 4, 200],
    ['pause', 1, 1_000],
  ] as const)('%s: the failure, and until when', (kind, tokenAttempts, forMs) => {
    const { gate, clock } = surroundings({ tokenAttempts });
    const permit = pass(gate);
    const streak = gate.failed(permit, FAULT, 'try-again');
    permit.release();
    clock.advance(forMs - 1);
    const { attempts, since, until } = streak;
    const block = { kind, failure: FAULT, attempts, since, until };
    expect(gate.ask()).toEqual({ kind: 'blocked', block });
    clock.advance(1);
    expect(gate.ask()).toMatchObject({ kind: 'pass' });
  });

  test('cool-down: since when, and until when', () => {
    const { gate, clock } = surroundings();
    expect(gate.rateLimited(60_000, pass(gate))).toBe(66_000);
    clock.advance(65_999);
    expect(gate.ask()).toMatchObject({
      kind: 'blocked',
      block: { kind: 'cool-down', since: { wallMs: START }, until: { wallMs: START + 66_000 } },
    });
    clock.advance(1);
    expect(gate.ask()).toMatchObject({ kind: 'pass' });
  });
});

describe('steps of the wall clock (T1)', () => {
  const BLOCKS = [
    ['a cool-down', (gate: MintGate, permit: Permit) => gate.rateLimited(1_000, permit)],
    ['a back-off', (gate: MintGate, permit: Permit) => gate.failed(permit, FAULT, 'try-again')],
    ['a pause', (gate: MintGate, permit: Permit) => gate.failed(permit, FAULT, 'leave-it')],
    ["a sibling's cool-down", (gate: MintGate) => gate.joinCoolDown(1_000)],
  ] as const;

  test.each(
    BLOCKS.flatMap(([block, begin]) =>
      [-3_600_000, 3_600_000, -1e12].map((stepMs) => ({ block, begin, stepMs })),
    ),
  )('$block is no longer than it was to be, after a step of $stepMs ms', ({ begin, stepMs }) => {
    const { gate, clock } = surroundings({ random: () => 0 });
    begin(gate, pass(gate));
    clock.stepWall(stepMs);
    clock.advance(1_000);
    expect([gate.block, gate.ask().kind]).toEqual([undefined, 'pass']);
  });

  test('a step back and forth changes nothing', () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(1_000, pass(gate));
    clock.stepWall(-3_600_000);
    clock.advance(500);
    clock.stepWall(3_600_000);
    clock.advance(499);
    expect(gate.block?.kind).toBe('cool-down');
    clock.advance(1);
    expect(gate.block).toBeUndefined();
  });
});

describe('a rate limit (E2)', () => {
  /** Delays of the cool-downs that follow these instructions in a row. */
  function delaysOf(told: readonly (number | undefined)[], random: number): number[] {
    const { gate, clock } = surroundings({ random: () => random });
    return told.map((each) => {
      const permit = pass(gate);
      const delayMs = gate.rateLimited(each, permit);
      permit.release();
      clock.advance(delayMs);
      return delayMs;
    });
  }

  test.each([
    { told: [2_000, 2_000, 5_000], random: 0, expected: [2_000, 2_000, 5_000], why: 'never cut short' },
    { told: [2_000, 2_000], random: 1, expected: [2_200, 2_200], why: 'up to 10 % on top' },
    { told: [7_200_000], random: 0, expected: [3_600_000], why: 'an hour at most' },
    { told: [3_599_000], random: 1, expected: [3_600_000], why: 'jitter within the hour' },
    { told: [undefined, undefined, undefined], random: 1, expected: [1_000, 2_000, 4_000], why: 'back-off' },
    { told: [undefined], random: 0, expected: [500], why: 'back-off, jittered' },
    { told: [0], random: 1, expected: [0], why: '0 is at once' },
    { told: [0, 0, 0], random: 1, expected: [0, 1_000, 2_000], why: 'a second 0 in a row is a back-off' },
    { told: [0, 2_000, 0], random: 0, expected: [0, 2_000, 0], why: 'not in a row' },
    { told: [undefined, 2_000, undefined], random: 1, expected: [1_000, 2_200, 2_000], why: 'one streak' },
  ])('told $told: $expected ($why)', ({ told, random, expected }) => {
    expect(delaysOf(told, random)).toEqual(expected);
  });

  test('after an answer, told nothing, 0 and since when begin anew', () => {
    const { gate, clock } = surroundings();
    for (const told of [undefined, 0]) {
      const permit = pass(gate);
      clock.advance(gate.rateLimited(told, permit));
      permit.release();
    }
    const permit = pass(gate);
    gate.answered(permit);
    permit.release();
    const since = clock.now();
    const next = pass(gate);
    expect(gate.rateLimited(0, next)).toBe(0);
    next.release();
    expect(gate.rateLimited(undefined, pass(gate))).toBe(1_000);
    expect(gate.block).toMatchObject({ kind: 'cool-down', since: { wallMs: since } });
  });

  test.each([
    { first: 2_000, second: 5_000, expected: 5_000 },
    { first: 5_000, second: 2_000, expected: 5_000 },
    { first: 2_000, second: undefined, expected: 2_000 },
    { first: 0, second: 0, expected: 0 },
  ])('side by side, told $first and $second: the longer of both', ({ first, second, expected }) => {
    const { gate } = surroundings({ random: () => 0 });
    const [a, b] = [pass(gate), pass(gate)];
    gate.rateLimited(first, a);
    expect(gate.rateLimited(second, b)).toBe(expected);
  });

  test.each([
    { told: [], expected: 1_000, why: 'the first' },
    { told: [undefined], expected: 1_000, why: 'as the one in force' },
    { told: [undefined, undefined], expected: 2_000, why: 'as the one in force' },
  ])('of what was sent before $told.length others, told nothing: $expected ($why)', ({ told, expected }) => {
    const here = surroundings();
    const { gate, clock } = here;
    const early = pass(gate);
    // Trouble of another kind, for what was sent early to be from before it.
    if (told.length === 0) failOnce(here);
    for (const each of told) {
      const permit = pass(gate);
      clock.advance(gate.rateLimited(each, permit));
      permit.release();
    }
    expect(gate.rateLimited(undefined, early)).toBe(expected);
  });

  test('side by side with a fault, nobody sends before its end', () => {
    const { gate, clock } = surroundings({ tokenAttempts: 1, random: () => 0 });
    const [a, b] = [pass(gate), pass(gate)];
    gate.rateLimited(5_000, a);
    gate.failed(b, FAULT, 'try-again');
    clock.advance(4_999);
    expect(gate.ask()).toMatchObject({ kind: 'blocked', block: { kind: 'cool-down' } });
  });

  test('does not end a streak of faults: the next one is followed by the next pause', () => {
    const here = surroundings({ tokenAttempts: 1, random: () => 0 });
    const { gate, clock } = here;
    failOnce(here);
    const limited = pass(gate);
    clock.advance(gate.rateLimited(5_000, limited));
    limited.release();
    const streak = gate.failed(pass(gate), FAULT, 'try-again');
    expect([streak.attempts, leftMs(here)]).toEqual([2, 2_000]);
  });
});

describe('a cool-down that a sibling was told of', () => {
  test('closes the gate for those who have passed already', () => {
    const { gate } = surroundings();
    const permit = pass(gate);
    gate.joinCoolDown(5_000);
    expect([gate.maySend(permit), gate.block === undefined]).toEqual([false, false]);
  });

  test('lengthens our own', () => {
    const { gate, clock } = surroundings();
    gate.rateLimited(1_000, pass(gate));
    gate.joinCoolDown(5_000);
    clock.advance(4_999);
    expect(gate.block === undefined).toBe(false);
    clock.advance(1);
    expect(gate.block === undefined).toBe(true);
  });

  test('leaves a pause that ends just then what it is', () => {
    const { gate } = surroundings({ tokenAttempts: 1 });
    gate.failed(pass(gate), FAULT, 'try-again');
    gate.joinCoolDown(1_000);
    expect(gate.block?.kind).toBe('pause');
  });

  test('never shortens our own', () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(5_000, pass(gate));
    gate.joinCoolDown(1_000);
    clock.advance(4_999);
    expect(gate.block === undefined).toBe(false);
    clock.advance(1);
    expect(gate.block === undefined).toBe(true);
  });
});

describe('after the trouble', () => {
  test('an answer opens the gate for good, also where the clock is set back then', () => {
    const { gate, clock } = surroundings();
    gate.rateLimited(10_000, pass(gate));
    clock.advance(11_000);
    const probe = pass(gate);
    gate.answered(probe);
    probe.release();
    clock.stepWall(-11_000);
    expect([gate.block === undefined, gate.maySend(probe)]).toEqual([true, true]);
  });

  test('one probe goes, and the rest ask again once it knows', async () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(1_000, pass(gate));
    clock.advance(1_000);
    const probe = pass(gate);
    const told = gate.ask();
    expect([told.kind, gate.ask().kind]).toEqual(['ask-again', 'ask-again']);
    gate.answered(probe);
    probe.release();
    if (told.kind === 'ask-again') await told.after;
    expect(gate.ask().kind).toBe('pass');
  });

  test('a probe that fails sends the rest away with its cause', () => {
    const here = surroundings({ tokenAttempts: 1 });
    failOnce(here);
    const probe = pass(here.gate);
    here.gate.failed(probe, FAULT, 'try-again');
    probe.release();
    expect(here.gate.ask()).toMatchObject({ block: { kind: 'pause', attempts: 2 } });
  });

  test('a probe that sent nothing hands over to the next', () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(1_000, pass(gate));
    clock.advance(1_000);
    pass(gate).release();
    expect(gate.ask().kind).toBe('pass');
  });

  test('releasing a permit twice does not end the probe of another', () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(1_000, pass(gate));
    clock.advance(1_000);
    const first = pass(gate);
    first.release();
    pass(gate);
    first.release();
    expect(gate.ask().kind).toBe('ask-again');
  });
});
