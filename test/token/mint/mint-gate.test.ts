import { describe, expect, test } from 'vitest';
import { RateLimitedError } from '../../../src/errors.ts';
import { cancellationOf, sleep } from '../../../src/time/wait.ts';
import {
  type CoolDown,
  MintGate,
  type Passenger,
  type Permit,
  type Streak,
} from '../../../src/token/mint/mint-gate.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const START = Date.UTC(2026, 0, 1);

/** An error that says what it was made from. */
class Failed extends Error {
  readonly streak: Streak;
  constructor(streak: Streak) {
    super('failed');
    this.streak = streak;
  }
}
const toError = (streak: Streak) => new Failed(streak);

function surroundings({ random = (): number => 1, tokenAttempts = 4 } = {}) {
  const clock = new ManualClock(START);
  const coolDowns: CoolDown[] = [];
  const gate = new MintGate({
    clock,
    random,
    tokenAttempts,
    rateLimitedError: (coolDown) => {
      coolDowns.push(coolDown);
      return new RateLimitedError('limited', { retryAt: new Date(coolDown.until), retryAfterMs: 0 });
    },
  });
  return { clock, gate, coolDowns };
}

/** A mint whose waiters have all patience, or none: then they leave, and the mint is aborted. */
function passenger(clock: ManualClock, how: 'patient' | 'impatient' | 'unref' = 'patient') {
  const abort = new AbortController();
  const told: Error[] = [];
  const mint: Passenger = {
    signal: abort.signal,
    isAwaited: how !== 'unref',
    async holdUntil({ until, tooLong }) {
      if (how === 'impatient') {
        told.push(tooLong());
        abort.abort(new Error('all left'));
      }
      await sleep(clock, until - clock.now(), cancellationOf(abort.signal), 'unref');
    },
  };
  return { mint, told, leave: () => abort.abort(new Error('all left')) };
}

type Outcome = { readonly permit: Permit } | { readonly error: unknown } | 'waiting';

/** What a passenger came to by the end of this turn. */
function passing(gate: MintGate, mint: Passenger): { outcome(): Promise<Outcome> } {
  const passed = gate.pass(mint).then(
    (permit) => ({ permit }),
    (error: unknown) => ({ error }),
  );
  return {
    outcome: () =>
      Promise.race([passed, new Promise<'waiting'>((resolve) => setImmediate(resolve, 'waiting'))]),
  };
}

/** A permit; the gate has to be open. */
async function pass(gate: MintGate, clock: ManualClock): Promise<Permit> {
  const outcome = await passing(gate, passenger(clock).mint).outcome();
  if (outcome === 'waiting' || !('permit' in outcome)) throw new Error('The gate is closed.');
  return outcome.permit;
}

/** One failed try by itself; then it is the time of the next. */
async function failOnce(gate: MintGate, clock: ManualClock): Promise<Streak> {
  const permit = await pass(gate, clock);
  const { streak } = gate.failed(permit, 'passing', toError) as Failed;
  permit.release();
  clock.advance(streak.nextAt - clock.now());
  return streak;
}

describe('an open gate', () => {
  test('lets any number pass side by side', async () => {
    const { gate, clock } = surroundings();
    await pass(gate, clock);
    await pass(gate, clock);
    expect([gate.isOpen, gate.allowsAnotherTry, clock.pending]).toEqual([true, true, 0]);
  });
});

describe('failed tries', () => {
  test('are followed by back-offs that double, then by pauses that double up to 30 s', async () => {
    const { gate, clock } = surroundings();
    const delays: number[] = [];
    const pauses: boolean[] = [];
    for (let n = 1; n <= 11; n++) {
      const now = clock.now();
      const streak = await failOnce(gate, clock);
      expect(streak).toEqual({ attempts: n, since: START, nextAt: streak.nextAt });
      delays.push(streak.nextAt - now);
      pauses.push(!gate.allowsAnotherTry);
    }
    expect(delays).toEqual([200, 400, 800, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect(pauses).toEqual([false, false, false, ...new Array(8).fill(true)]);
  });

  test.each([
    [0, 100],
    [0.5, 150],
    [1, 200],
  ])('a back-off is jittered: at %d it takes %d ms', async (random, expected) => {
    const { gate, clock } = surroundings({ random: () => random });
    const { streak } = gate.failed(await pass(gate, clock), 'passing', toError) as Failed;
    expect(streak.nextAt - START).toBe(expected);
  });

  test('with one attempt allowed, the first failure is followed by a pause', async () => {
    const { gate, clock } = surroundings({ tokenAttempts: 1 });
    expect(await failOnce(gate, clock)).toEqual({ attempts: 1, since: START, nextAt: START + 1_000 });
    expect(gate.allowsAnotherTry).toBe(false);
  });

  test('after a final one, the next mint may go out at once; after the second in a row, a pause follows', async () => {
    const { gate, clock } = surroundings();
    const first = await pass(gate, clock);
    const { streak } = gate.failed(first, 'final', toError) as Failed;
    expect(streak).toEqual({ attempts: 1, since: START, nextAt: START });
    first.release();
    const { streak: second } = gate.failed(await pass(gate, clock), 'final', toError) as Failed;
    expect(second).toEqual({ attempts: 2, since: START, nextAt: START + 1_000 });
    expect(gate.allowsAnotherTry).toBe(false);
  });

  test('one final failure behind passing ones is followed by no pause yet', async () => {
    const { gate, clock } = surroundings();
    await failOnce(gate, clock);
    await failOnce(gate, clock);
    const { streak } = gate.failed(await pass(gate, clock), 'final', toError) as Failed;
    expect([streak.nextAt - clock.now(), gate.allowsAnotherTry]).toEqual([0, true]);
  });

  test("beside another's rate limit, a failure is told as the one that it is", async () => {
    const { gate, clock } = surroundings();
    const [one, other] = [await pass(gate, clock), await pass(gate, clock)];
    const until = gate.rateLimited(10_000, one);
    const { streak } = gate.failed(other, 'passing', toError) as Failed;
    expect(streak).toEqual({ attempts: 1, since: START, nextAt: until });
  });

  test('after a pause that final ones brought, a passing fault goes on with the pauses', async () => {
    const { gate, clock } = surroundings();
    for (let n = 1; n <= 2; n++) {
      const permit = await pass(gate, clock);
      gate.failed(permit, 'final', toError);
      permit.release();
    }
    clock.advance(1_000);
    const { streak } = gate.failed(await pass(gate, clock), 'passing', toError) as Failed;
    expect(streak).toEqual({ attempts: 3, since: START, nextAt: START + 3_000 });
  });

  test('side by side count once', async () => {
    const { gate, clock } = surroundings();
    const permits = [await pass(gate, clock), await pass(gate, clock), await pass(gate, clock)];
    const streaks = permits.map((permit) => (gate.failed(permit, 'passing', toError) as Failed).streak);
    expect(streaks).toEqual(new Array(3).fill({ attempts: 1, since: START, nextAt: START + 200 }));
  });

  test('an answer ends the row: the next failure is the first again', async () => {
    const { gate, clock } = surroundings();
    for (let n = 1; n <= 5; n++) await failOnce(gate, clock);
    const permit = await pass(gate, clock);
    gate.answered(permit);
    permit.release();
    expect(gate.isOpen).toBe(true);
    const since = clock.now();
    expect(await failOnce(gate, clock)).toEqual({ attempts: 1, since, nextAt: since + 200 });
  });

  test('an answer to what was sent before the trouble ends nothing', async () => {
    const { gate, clock } = surroundings();
    const [early, failing] = [await pass(gate, clock), await pass(gate, clock)];
    gate.failed(failing, 'passing', toError);
    gate.answered(early);
    expect([gate.isOpen, gate.honours(early), gate.honours(failing)]).toEqual([false, false, false]);
  });

  test('who has passed may not send once a longer wait was told side by side, and may when it is over', async () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    const [first, second] = [await pass(gate, clock), await pass(gate, clock)];
    gate.rateLimited(0, first);
    const probe = await pass(gate, clock);
    expect(gate.maySend(probe)).toBe(true);
    gate.rateLimited(60_000, second);
    expect(gate.maySend(probe)).toBe(false);
    clock.advance(59_999);
    expect(gate.maySend(probe)).toBe(false);
    clock.advance(1);
    expect(gate.maySend(probe)).toBe(true);
  });
});

describe('who comes to a closed gate', () => {
  test.each(['patient', 'unref'] as const)('in a back-off, %s: waits for its end', async (how) => {
    const { gate, clock } = surroundings();
    gate.failed(await pass(gate, clock), 'passing', toError);
    const waiting = passing(gate, passenger(clock, how).mint);
    expect(await waiting.outcome()).toBe('waiting');
    clock.advance(199);
    expect(await waiting.outcome()).toBe('waiting');
    clock.advance(1);
    expect(await waiting.outcome()).toHaveProperty('permit');
  });

  test.each(['patient', 'unref'] as const)(
    'in a pause, %s: fails at once with the same cause',
    async (how) => {
      const { gate, clock } = surroundings({ tokenAttempts: 1 });
      const { streak } = gate.failed(await pass(gate, clock), 'passing', toError) as Failed;
      const outcome = await passing(gate, passenger(clock, how).mint).outcome();
      expect(outcome).toMatchObject({ error: { message: 'failed', streak } });
      expect(clock.pending).toBe(0);
    },
  );

  test('in a pause, errors are objects of their own', async () => {
    const { gate, clock } = surroundings({ tokenAttempts: 1 });
    gate.failed(await pass(gate, clock), 'passing', toError);
    const outcomes = await Promise.all([1, 2].map(() => passing(gate, passenger(clock).mint).outcome()));
    const errors = outcomes.map((outcome) => (outcome as { error: unknown }).error);
    expect(errors[0]).not.toBe(errors[1]);
  });

  test('in a cool-down, patient: waits for its end', async () => {
    const { gate, clock } = surroundings();
    expect(gate.rateLimited(60_000, await pass(gate, clock))).toBe(START + 66_000);
    const waiting = passing(gate, passenger(clock).mint);
    clock.advance(65_999);
    expect(await waiting.outcome()).toBe('waiting');
    clock.advance(1);
    expect(await waiting.outcome()).toHaveProperty('permit');
  });

  test('in a cool-down, impatient: told since when and until when, and nothing is left behind', async () => {
    const { gate, clock, coolDowns } = surroundings({ random: () => 0 });
    gate.rateLimited(60_000, await pass(gate, clock));
    clock.advance(1_000);
    const { mint, told } = passenger(clock, 'impatient');
    expect(await passing(gate, mint).outcome()).toMatchObject({ error: { message: 'all left' } });
    expect(told).toHaveLength(1);
    expect(coolDowns).toEqual([{ since: START, until: START + 60_000, now: START + 1_000 }]);
    expect(clock.pending).toBe(0);
  });

  test('in a cool-down, unawaited: fails at once, as nobody would have the renewal', async () => {
    const { gate, clock } = surroundings();
    gate.rateLimited(60_000, await pass(gate, clock));
    const outcome = await passing(gate, passenger(clock, 'unref').mint).outcome();
    expect(outcome).toMatchObject({ error: { code: 'ERR_RATE_LIMITED' } });
    expect(clock.pending).toBe(0);
  });
});

describe('a rate limit', () => {
  /** Delays of the cool-downs that follow these instructions in a row. */
  async function delaysOf(told: readonly (number | undefined)[], random: number): Promise<number[]> {
    const { gate, clock } = surroundings({ random: () => random });
    const delays: number[] = [];
    for (const each of told) {
      const permit = await pass(gate, clock);
      const until = gate.rateLimited(each, permit);
      permit.release();
      delays.push(until - clock.now());
      clock.advance(until - clock.now());
    }
    return delays;
  }

  test.each([
    { told: [2_000, 2_000, 5_000], random: 0, expected: [2_000, 2_000, 5_000], why: 'never cut short' },
    { told: [2_000, 2_000], random: 1, expected: [2_200, 2_200], why: 'up to 10 % on top' },
    { told: [undefined, undefined, undefined], random: 1, expected: [1_000, 2_000, 4_000], why: 'back-off' },
    { told: [undefined], random: 0, expected: [500], why: 'back-off, jittered' },
    { told: [0], random: 1, expected: [0], why: '0 is at once' },
    { told: [0, 0, 0], random: 1, expected: [0, 1_000, 2_000], why: 'a second 0 in a row is a back-off' },
    { told: [0, 2_000, 0], random: 0, expected: [0, 2_000, 0], why: 'not in a row' },
    { told: [undefined, 2_000, undefined], random: 1, expected: [1_000, 2_200, 2_000], why: 'one row' },
  ])('told $told: $expected ($why)', async ({ told, random, expected }) => {
    expect(await delaysOf(told, random)).toEqual(expected);
  });

  test('after an answer, told nothing, 0 and since when begin anew', async () => {
    const { gate, clock, coolDowns } = surroundings();
    for (const told of [undefined, 0]) {
      const permit = await pass(gate, clock);
      clock.advance(gate.rateLimited(told, permit) - clock.now());
      permit.release();
    }
    const permit = await pass(gate, clock);
    gate.answered(permit);
    permit.release();
    const next = await pass(gate, clock);
    expect(gate.rateLimited(0, next)).toBe(clock.now());
    next.release();
    const untold = await pass(gate, clock);
    expect(gate.rateLimited(undefined, untold) - clock.now()).toBe(1_000);
    const since = clock.now();
    await passing(gate, passenger(clock, 'impatient').mint).outcome();
    expect(coolDowns.at(-1)).toMatchObject({ since });
  });

  test.each([
    { first: 2_000, second: 5_000, expected: 5_000 },
    { first: 5_000, second: 2_000, expected: 5_000 },
    { first: 2_000, second: undefined, expected: 2_000 },
    { first: 0, second: 0, expected: 0 },
  ])('side by side, told $first and $second: the longer of both', async ({ first, second, expected }) => {
    const { gate, clock } = surroundings({ random: () => 0 });
    const [a, b] = [await pass(gate, clock), await pass(gate, clock)];
    gate.rateLimited(first, a);
    expect(gate.rateLimited(second, b)).toBe(START + expected);
  });

  test('side by side with a fault, nobody sends before its end', async () => {
    const { gate, clock } = surroundings({ tokenAttempts: 1, random: () => 0 });
    const [a, b] = [await pass(gate, clock), await pass(gate, clock)];
    gate.rateLimited(5_000, a);
    gate.failed(b, 'passing', toError);
    const waiting = passing(gate, passenger(clock).mint);
    clock.advance(4_999);
    expect(await waiting.outcome()).toBe('waiting');
  });

  test('does not end a row of faults: the next one is followed by the next pause', async () => {
    const { gate, clock } = surroundings({ tokenAttempts: 1, random: () => 0 });
    await failOnce(gate, clock);
    const limited = await pass(gate, clock);
    clock.advance(gate.rateLimited(5_000, limited) - clock.now());
    limited.release();
    const { streak } = gate.failed(await pass(gate, clock), 'passing', toError) as Failed;
    expect([streak.attempts, streak.nextAt - clock.now()]).toEqual([2, 2_000]);
  });
});

describe('a cool-down that a sibling was told of', () => {
  test('closes the gate for those who have passed already', async () => {
    const { gate, clock } = surroundings();
    const permit = await pass(gate, clock);
    gate.coolDownUntil(START + 5_000);
    expect([gate.honours(permit), gate.isOpen]).toEqual([false, false]);
  });

  test('lengthens our own', async () => {
    const { gate, clock } = surroundings();
    gate.rateLimited(1_000, await pass(gate, clock));
    gate.coolDownUntil(START + 5_000);
    clock.advance(4_999);
    expect(gate.isOpen).toBe(false);
    clock.advance(1);
    expect(gate.isOpen).toBe(true);
  });

  test('leaves a pause that ends just then what it is', async () => {
    const { gate, clock } = surroundings({ tokenAttempts: 1 });
    const { streak } = gate.failed(await pass(gate, clock), 'passing', toError) as Failed;
    gate.coolDownUntil(streak.nextAt);
    expect(gate.allowsAnotherTry).toBe(false);
  });

  test('never shortens our own', async () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(5_000, await pass(gate, clock));
    gate.coolDownUntil(START + 1_000);
    clock.advance(4_999);
    expect(gate.isOpen).toBe(false);
    clock.advance(1);
    expect(gate.isOpen).toBe(true);
  });
});

describe('after the trouble', () => {
  test('an answer opens the gate for good, also where the clock is set back then', async () => {
    const { gate, clock } = surroundings();
    gate.rateLimited(10_000, await pass(gate, clock));
    clock.advance(11_000);
    const probe = await pass(gate, clock);
    gate.answered(probe);
    probe.release();
    clock.stepWall(-11_000);
    expect([gate.isOpen, gate.maySend(probe)]).toEqual([true, true]);
  });

  test('one probe goes, and the rest wait for what it learns', async () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(1_000, await pass(gate, clock));
    const three = [1, 2, 3].map(() => passing(gate, passenger(clock).mint));
    clock.advance(1_000);
    const [probe, ...rest] = await Promise.all(three.map((each) => each.outcome()));
    expect(probe).toHaveProperty('permit');
    expect(rest).toEqual(['waiting', 'waiting']);
    expect(gate.isOpen).toBe(false);
    const { permit } = probe as { permit: Permit };
    gate.answered(permit);
    permit.release();
    for (const each of three.slice(1)) expect(await each.outcome()).toHaveProperty('permit');
  });

  test('a probe that fails sends the rest away with its cause', async () => {
    const { gate, clock } = surroundings({ tokenAttempts: 1 });
    await failOnce(gate, clock);
    const [first, second] = [passing(gate, passenger(clock).mint), passing(gate, passenger(clock).mint)];
    const { permit } = (await first.outcome()) as { permit: Permit };
    gate.failed(permit, 'passing', toError);
    permit.release();
    expect(await second.outcome()).toMatchObject({ error: { streak: { attempts: 2 } } });
  });

  test('a probe that sent nothing hands over to the next', async () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(1_000, await pass(gate, clock));
    clock.advance(1_000);
    const [first, second] = [passing(gate, passenger(clock).mint), passing(gate, passenger(clock).mint)];
    const { permit } = (await first.outcome()) as { permit: Permit };
    permit.release();
    expect(await second.outcome()).toHaveProperty('permit');
  });

  test('who leaves while another probes rejects at once', async () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(1_000, await pass(gate, clock));
    clock.advance(1_000);
    await pass(gate, clock);
    const { mint, leave } = passenger(clock);
    const waiting = passing(gate, mint);
    expect(await waiting.outcome()).toBe('waiting');
    leave();
    expect(await waiting.outcome()).toMatchObject({ error: { message: 'all left' } });
  });

  test('releasing a permit twice does not end the probe of another', async () => {
    const { gate, clock } = surroundings({ random: () => 0 });
    gate.rateLimited(1_000, await pass(gate, clock));
    clock.advance(1_000);
    const first = await pass(gate, clock);
    first.release();
    await pass(gate, clock);
    first.release();
    expect(gate.isOpen).toBe(false);
  });
});
