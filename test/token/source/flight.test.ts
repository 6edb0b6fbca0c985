import { getEventListeners, setMaxListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ClosedError, TokenUnavailableError } from '../../../src/errors.ts';
import { cancellationOf } from '../../../src/time/wait.ts';
import { outOfPatienceError } from '../../../src/token/mint/messages.ts';
import { Flight } from '../../../src/token/source/flight.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type Deferred, deferred, turns } from '../support.ts';

interface Airborne {
  readonly clock: ManualClock;
  readonly flight: Flight<string>;
  readonly work: Deferred<string>;
}

function takeOff(): Airborne {
  const clock = new ManualClock();
  const flight = new Flight<string>(clock, (since) => outOfPatienceError(since, 0));
  const work = deferred<string>();
  flight.run(() => work.promise);
  return { clock, flight, work };
}

const patient = { maxWaitMs: 1_000, cancellation: undefined };
const cancelledBy = (controller: AbortController, maxWaitMs = 1_000) => ({
  maxWaitMs,
  cancellation: cancellationOf(controller.signal),
});

describe('those who wait (C1, C2)', () => {
  test('all get the result, and no timer is left', async () => {
    const { clock, flight, work } = takeOff();
    const all = Promise.all([1, 2, 3].map(() => flight.join(patient)));
    expect([clock.pending, clock.keepingAlive]).toEqual([1, 1]);
    work.resolve('token');
    expect(await all).toEqual(['token', 'token', 'token']);
    expect(clock.pending).toBe(0);
    expect(flight.isAwaited).toBe(false);
  });

  test('all get the failure: each an error of its own, with the same cause', async () => {
    const { flight, work } = takeOff();
    const all = Promise.all([1, 2].map(() => flight.join(patient).catch((error) => error)));
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
    const { flight, work } = takeOff();
    work.reject(new Error('failed'));
    await expect(flight.over).resolves.toBeUndefined();
  });

  test('ten thousand cost one timer and no warning about listeners', async () => {
    const { clock, flight, work } = takeOff();
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const all = Promise.all(Array.from({ length: 10_000 }, () => flight.join(cancelledBy(controller))));
    expect(clock.pending).toBe(1);
    work.resolve('token');
    await all;
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });
});

describe('one who leaves (C3)', () => {
  test('is rejected at once, its listener is gone, and the others get the result', async () => {
    const { flight, work } = takeOff();
    const controller = new AbortController();
    const leaving = flight.join(cancelledBy(controller));
    const staying = flight.join(patient);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    expect(flight.signal.aborted).toBe(false);
    work.resolve('token');
    expect(await staying).toBe('token');
  });

  test('had left before it came: it never waits, and the work goes on for the others', async () => {
    const { flight } = takeOff();
    await expect(flight.join(cancelledBy(aborted()))).rejects.toThrow('left');
    expect(flight.isAwaited).toBe(false);
    expect(flight.signal.aborted).toBe(false);
  });

  test('last ends the work: no timer, no listener is left', async () => {
    const { clock, flight } = takeOff();
    const controllers = [new AbortController(), new AbortController()];
    const waits = controllers.map((each) => flight.join(cancelledBy(each)).catch(String));
    controllers[0]?.abort(new Error('left'));
    expect(flight.signal.aborted).toBe(false);
    controllers[1]?.abort(new Error('left'));
    expect(flight.signal.aborted).toBe(true);
    expect(await Promise.all(waits)).toEqual(['Error: left', 'Error: left']);
    expect(clock.pending).toBe(0);
  });

  test('last ends what began in the background, too', async () => {
    const { flight } = takeOff();
    await turns();
    expect(flight.signal.aborted).toBe(false); // nobody ever waited
    const controller = new AbortController();
    const wait = flight.join(cancelledBy(controller)).catch(() => {});
    controller.abort();
    await wait;
    expect(flight.signal.aborted).toBe(true);
  });

  test('last does not end what is seen through; who joins then gets its result', async () => {
    const { flight, work, clock } = takeOff();
    flight.seeThrough();
    await leaveOne(flight);
    expect(flight.signal.aborted).toBe(false);
    expect(clock.pending).toBe(0);
    const late = flight.join(patient);
    work.resolve('token');
    expect(await late).toBe('token');
  });

  test('last ends it after all once it need not be seen through', async () => {
    const { flight } = takeOff();
    flight.seeThrough();
    await leaveOne(flight);
    flight.endSeeThrough();
    expect(flight.signal.aborted).toBe(true);
  });

  test('where others still wait, it goes on once it need not be seen through', () => {
    const { flight } = takeOff();
    void flight.join(patient);
    flight.seeThrough();
    flight.endSeeThrough();
    expect(flight.signal.aborted).toBe(false);
  });
});

async function leaveOne(flight: Flight<string>): Promise<void> {
  const controller = new AbortController();
  const wait = flight.join(cancelledBy(controller)).catch(() => {});
  controller.abort();
  await wait;
}

function aborted(): AbortController {
  const controller = new AbortController();
  controller.abort(new Error('left'));
  return controller;
}

describe('one who runs out of patience', () => {
  test('is rejected at its time, not a millisecond before', async () => {
    const { clock, flight } = takeOff();
    let outcome: unknown;
    const wait = flight.join(patient).catch((error) => {
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

  test('leaves the others, each with its own time', async () => {
    const { clock, flight, work } = takeOff();
    const ended: number[] = [];
    const waits = [300, 100, 200].map((maxWaitMs) =>
      flight.join({ maxWaitMs, cancellation: undefined }).catch(() => ended.push(maxWaitMs)),
    );
    clock.advance(100);
    await turns();
    expect(ended).toEqual([100]);
    clock.advance(100);
    await turns();
    expect(ended).toEqual([100, 200]);
    expect(clock.pending).toBe(1);
    work.resolve('token');
    await Promise.all(waits);
    expect(ended).toEqual([100, 200]);
    expect(clock.pending).toBe(0);
  });
});

describe('a hold (E4)', () => {
  const tooLong = () => new Error('too long');

  test('lets the work go on at its time', async () => {
    const { clock, flight } = takeOff();
    void flight.join({ maxWaitMs: 5_000, cancellation: undefined }).catch(() => {});
    let isOver = false;
    void flight.holdUntil({ until: clock.now() + 2_000, tooLong }).then(() => {
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
      const { clock, flight } = takeOff();
      const join = () => {
        let outcome = 'waits';
        flight.join({ maxWaitMs, cancellation: undefined }).catch((error: Error) => {
          outcome = error.message;
        });
        return () => outcome;
      };
      const early = order === 'before' ? join() : undefined;
      void flight.holdUntil({ until: clock.now() + 2_000, tooLong }).catch(() => {});
      const outcome = early ?? join();
      await turns();
      expect(outcome()).toBe(expected);
    }
  });

  test('once over is no reason to be turned away', async () => {
    const { clock, flight } = takeOff();
    const hold = flight.holdUntil({ until: clock.now() + 2_000, tooLong });
    clock.advance(2_000);
    await hold;
    let outcome = 'waits';
    flight.join({ maxWaitMs: 1, cancellation: undefined }).catch((error: Error) => {
      outcome = error.message;
    });
    await turns();
    expect(outcome).toBe('waits');
  });

  test('ends with the flight', async () => {
    const { clock, flight } = takeOff();
    const wait = flight.join({ maxWaitMs: 5_000, cancellation: undefined }).catch((error) => error);
    const hold = flight.holdUntil({ until: clock.now() + 2_000, tooLong }).catch((error) => error);
    flight.callOff(new ClosedError());
    expect(await hold).toBeInstanceOf(ClosedError);
    expect(await wait).toBeInstanceOf(ClosedError);
    expect(clock.pending).toBe(0);
  });
});

test('a flight that is called off rejects all who wait, at once, and aborts the work although it is seen through', async () => {
  const { clock, flight, work } = takeOff();
  flight.seeThrough();
  const waits = [flight.join(patient), flight.join(patient)];
  const reason = new ClosedError();
  flight.callOff(reason);
  for (const each of waits) await expect(each).rejects.toBeInstanceOf(ClosedError);
  expect(flight.signal.reason).toBe(reason);
  expect(clock.pending).toBe(0);
  work.resolve('token');
  await expect(flight.over).resolves.toBeUndefined();
});
