import { getEventListeners, setMaxListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ClosedError, TokenUnavailableError } from '../../../src/errors.ts';
import { later, readClock } from '../../../src/time/instant.ts';
import { WaitLimit } from '../../../src/time/limit.ts';
import { cancellationOf } from '../../../src/time/wait.ts';
import { type Obtained, SingleFlight } from '../../../src/token/mint/single-flight.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type Deferred, deferred, turns } from '../support.ts';

/** A flight that is led by hand. */
class Flight extends SingleFlight {
  override arrived: Obtained | undefined;
  begin(work: Promise<Obtained>): void {
    this.run(work);
  }
  override startSending(): void {
    super.startSending('client_credentials');
  }
  override stopSending(): void {
    super.stopSending();
  }
  override holdUntil(hold: Parameters<SingleFlight['holdUntil']>[0]): Promise<void> {
    return super.holdUntil(hold);
  }
}

interface UnderWay {
  readonly clock: ManualClock;
  readonly flight: Flight;
  readonly work: Deferred<Obtained>;
  /** Joins as a caller that may wait for a second, or so long. */
  join(maxWaitMs?: number, signal?: AbortSignal): Promise<Obtained>;
}

function startFlight(): UnderWay {
  const clock = new ManualClock();
  const flight = new Flight(clock);
  const work = deferred<Obtained>();
  flight.begin(work.promise);
  const join = (maxWaitMs = 1_000, signal?: AbortSignal) =>
    flight.join({
      limit: new WaitLimit(clock, maxWaitMs),
      cancellation: signal === undefined ? undefined : cancellationOf(signal),
    });
  return { clock, flight, work, join };
}

const TOKEN: Obtained = {
  record: { accessToken: 'token', scope: [], obtainedAt: 0, expiresAt: 1, extra: {} },
  kind: 'minted',
};

describe('those who wait (C1, C2)', () => {
  test('all get the result, and no timer is left', async () => {
    const { clock, flight, work, join } = startFlight();
    const all = Promise.all([1, 2, 3].map(() => join()));
    expect([clock.pending, clock.keepingAlive]).toEqual([3, 3]);
    work.resolve(TOKEN);
    expect(await all).toEqual([TOKEN, TOKEN, TOKEN]);
    expect(clock.pending).toBe(0);
    expect(flight.isAwaited).toBe(false);
  });

  test('all get the failure: each an error of its own, with the same cause', async () => {
    const { work, join } = startFlight();
    const all = Promise.all([1, 2].map(() => join().catch((error) => error)));
    const cause = new Error('ECONNREFUSED');
    work.reject(new TokenUnavailableError('no token', { attempts: 4, status: 503, cause }));
    const [one, other] = await all;
    expect(one).not.toBe(other);
    for (const each of [one, other]) {
      expect(each).toBeInstanceOf(TokenUnavailableError);
      expect(each).toMatchObject({ message: 'no token', attempts: 4, status: 503, cause });
    }
  });

  test('a failure that nobody waits for is no unhandled rejection', async () => {
    const { flight, work } = startFlight();
    work.reject(new Error('failed'));
    await expect(flight.over).resolves.toBeUndefined();
  });

  test('ten thousand leave no timer and no listener', async () => {
    const { clock, work, join } = startFlight();
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const all = Promise.all(Array.from({ length: 10_000 }, () => join(1_000, controller.signal)));
    work.resolve(TOKEN);
    await all;
    expect(clock.pending).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });
});

describe('one who leaves (C3)', () => {
  test('is rejected at once, its listener is gone, and the others get the result', async () => {
    const { flight, work, join } = startFlight();
    const controller = new AbortController();
    const leaving = join(1_000, controller.signal);
    const staying = join();
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    expect(flight.signal.aborted).toBe(false);
    work.resolve(TOKEN);
    expect(await staying).toBe(TOKEN);
  });

  test('last ends the work: no timer, no listener is left', async () => {
    const { clock, flight, join } = startFlight();
    const controllers = [new AbortController(), new AbortController()];
    const waits = controllers.map((each) => join(1_000, each.signal).catch(String));
    controllers[0]?.abort(new Error('left'));
    expect(flight.signal.aborted).toBe(false);
    controllers[1]?.abort(new Error('left'));
    expect(flight.signal.aborted).toBe(true);
    expect(await Promise.all(waits)).toEqual(['Error: left', 'Error: left']);
    expect(clock.pending).toBe(0);
  });

  test('last ends what began in the background, too', async () => {
    const { flight, join } = startFlight();
    await turns();
    expect(flight.signal.aborted).toBe(false); // nobody ever waited
    const controller = new AbortController();
    const wait = join(1_000, controller.signal).catch(() => {});
    controller.abort();
    await wait;
    expect(flight.signal.aborted).toBe(true);
  });

  test('last does not end it while a token request is under way; a caller that joins then gets its result', async () => {
    const { flight, work, clock, join } = startFlight();
    flight.startSending();
    await leaveOne(join);
    expect(flight.signal.aborted).toBe(false);
    expect(clock.pending).toBe(0);
    const late = join();
    work.resolve(TOKEN);
    expect(await late).toBe(TOKEN);
  });

  test('last ends it after all once what was sent brought no token', async () => {
    const { flight, join } = startFlight();
    flight.startSending();
    await leaveOne(join);
    flight.stopSending();
    expect(flight.signal.aborted).toBe(true);
  });

  test('where others still wait, it goes on once what was sent brought no token', () => {
    const { flight, join } = startFlight();
    void join();
    flight.startSending();
    flight.stopSending();
    expect(flight.signal.aborted).toBe(false);
  });
});

async function leaveOne(join: UnderWay['join']): Promise<void> {
  const controller = new AbortController();
  const wait = join(1_000, controller.signal).catch(() => {});
  controller.abort();
  await wait;
}

describe('a signal that is only half of one, as a stand-in of a test may be', () => {
  const thrown = () => {
    throw new Error('no listeners here');
  };
  const halves: readonly [string, object, string][] = [
    ['can not be left', { aborted: false, addEventListener: () => {} }, 'token'],
    ['takes no listener', { aborted: false, addEventListener: thrown }, 'no listeners here'],
  ];
  test.each(halves)('%s: harms nobody else, and leaves no timer', async (_, signal, outcome) => {
    const { clock, work, join } = startFlight();
    const its = join(1_000, signal as AbortSignal).then(
      ({ record }) => record.accessToken,
      (error: Error) => error.message,
    );
    const other = join();
    work.resolve(TOKEN);
    expect([await its, await other]).toEqual([outcome, TOKEN]);
    expect(clock.pending).toBe(0);
  });
});

describe('one who runs out of patience', () => {
  test('is rejected at its time, not a millisecond before', async () => {
    const { clock, flight, join } = startFlight();
    let outcome: unknown;
    const wait = join().catch((error) => {
      outcome = error;
    });
    clock.advance(999);
    await turns();
    expect(outcome).toBeUndefined();
    clock.advance(1);
    await wait;
    expect(outcome).toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', attempts: 0 });
    expect((outcome as Error).message).toContain('"maxWaitMs"');
    expect(flight.signal.aborted).toBe(true);
  });

  test('while its token is being stored: takes the token as it is (C4)', async () => {
    const { clock, flight, join } = startFlight();
    const wait = join();
    flight.arrived = TOKEN;
    clock.advance(1_000);
    expect(await wait).toBe(TOKEN);
  });

  test('while a token is being stored that does not count any more: is rejected (C5)', async () => {
    const { clock, flight, join } = startFlight();
    const wait = join();
    flight.arrived = undefined;
    clock.advance(1_000);
    await expect(wait).rejects.toBeInstanceOf(TokenUnavailableError);
  });

  test.each([-3_600_000, 3_600_000])(
    'is rejected then whatever the wall clock does: a step of %d ms (T1)',
    async (stepMs) => {
      const { clock, join } = startFlight();
      let outcome: unknown;
      const wait = join().catch((error) => {
        outcome = error;
      });
      clock.stepWall(stepMs);
      clock.advance(999);
      await turns();
      expect(outcome).toBeUndefined();
      clock.advance(1);
      await wait;
      expect(outcome).toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    },
  );

  test('time in which the process stood still does not count (T2)', async () => {
    const { clock, work, join } = startFlight();
    const wait = join();
    clock.advance(500);
    clock.stall(60_000);
    clock.advance(499);
    work.resolve(TOKEN);
    expect(await wait).toBe(TOKEN);
  });

  test('leaves the others, each with its own time', async () => {
    const { clock, work, join } = startFlight();
    const ended: number[] = [];
    const waits = [300, 100, 200].map((maxWaitMs) => join(maxWaitMs).catch(() => ended.push(maxWaitMs)));
    clock.advance(100);
    await turns();
    expect(ended).toEqual([100]);
    clock.advance(100);
    await turns();
    expect(ended).toEqual([100, 200]);
    expect(clock.pending).toBe(1);
    work.resolve(TOKEN);
    await Promise.all(waits);
    expect(ended).toEqual([100, 200]);
    expect(clock.pending).toBe(0);
  });
});

describe('a hold (E4)', () => {
  const tooLong = () => new Error('too long');

  test('lets the work go on at its time', async () => {
    const { clock, flight, join } = startFlight();
    void join(5_000).catch(() => {});
    let isOver = false;
    void flight.holdUntil({ until: later(readClock(clock), 2_000), tooLong }).then(() => {
      isOver = true;
    });
    clock.advance(1_999);
    await turns();
    expect(isOver).toBe(false);
    clock.advance(1);
    await turns();
    expect(isOver).toBe(true);
  });

  test.each([
    ['who can wait a millisecond longer waits', 2_001, 'waits'],
    ['who can wait just as long is told at once, as the mint is still to come', 2_000, 'too long'],
  ])('%s', async (_, maxWaitMs, expected) => {
    for (const order of ['before', 'after']) {
      const { clock, flight, join } = startFlight();
      const joined = () => {
        let outcome = 'waits';
        join(maxWaitMs).catch((error: Error) => {
          outcome = error.message;
        });
        return () => outcome;
      };
      const early = order === 'before' ? joined() : undefined;
      void flight.holdUntil({ until: later(readClock(clock), 2_000), tooLong }).catch(() => {});
      const outcome = early ?? joined();
      await turns();
      expect(outcome()).toBe(expected);
    }
  });

  test('once over is no reason to be turned away', async () => {
    const { clock, flight, join } = startFlight();
    const hold = flight.holdUntil({ until: later(readClock(clock), 2_000), tooLong });
    clock.advance(2_000);
    await hold;
    let outcome = 'waits';
    join(1).catch((error: Error) => {
      outcome = error.message;
    });
    await turns();
    expect(outcome).toBe('waits');
  });

  test('ends with the flight', async () => {
    const { clock, flight, join } = startFlight();
    const wait = join(5_000).catch((error) => error);
    const hold = flight.holdUntil({ until: later(readClock(clock), 2_000), tooLong }).catch((error) => error);
    flight.abort(new ClosedError());
    expect(await hold).toBeInstanceOf(ClosedError);
    expect(await wait).toBeInstanceOf(ClosedError);
    expect(clock.pending).toBe(0);
  });
});

test('a flight that is aborted rejects all who wait, at once, and aborts the work although something was sent', async () => {
  const { clock, flight, work, join } = startFlight();
  flight.startSending();
  const waits = [join(), join()];
  const reason = new ClosedError();
  flight.abort(reason);
  for (const each of waits) await expect(each).rejects.toBeInstanceOf(ClosedError);
  expect(flight.signal.reason).toBe(reason);
  expect(clock.pending).toBe(0);
  work.resolve(TOKEN);
  await expect(flight.over).resolves.toBeUndefined();
});
