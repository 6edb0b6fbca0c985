import { getEventListeners, getMaxListeners, setMaxListeners } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { atOnce, fulfilled, startHarness } from '../../support/harness.ts';
import { callAccount, turns } from '../support.ts';

function warnings(): readonly Error[] {
  const heard: Error[] = [];
  const note = (warning: Error) => heard.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  return heard;
}

test.each(['getToken', 'an API call'])(
  'a hundred calls share one signal (%s): no warning of a leak, and no listener is left (E8)',
  async (what) => {
    const heard = warnings();
    const { auth, clock, payouts, sandbox } = await startHarness();
    const { signal } = new AbortController();
    const hold = sandbox.hold('token');
    const calls = atOnce<unknown>(100, () =>
      what === 'getToken' ? auth.getToken({ signal }) : callAccount(payouts, signal),
    );
    await hold.waitFor(1);
    hold.release();
    expect(fulfilled(await calls)).toBe(100);
    await turns();
    expect(heard).toEqual([]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(clock.pending).toBe(0);
  },
);

test('a number of listeners that the owner of the signal allows is left as it is', async () => {
  const { auth } = await startHarness();
  const { signal } = new AbortController();
  setMaxListeners(12, signal);
  await auth.getToken({ signal });
  expect(getMaxListeners(signal)).toBe(12);
});

test('any number of them may be allowed, also that which Node.js 20 can not tell', async () => {
  const { auth } = await startHarness();
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  expect((await auth.getToken({ signal })).value).not.toBe('');
});

test.each([
  ['lacks the removal of listeners', undefined],
  [
    'throws at it',
    () => {
      throw new Error('No listener is removed here.');
    },
  ],
])('a stand-in for a signal that %s harms no other call', async (_, removeEventListener) => {
  const { auth, clock } = await startHarness();
  const signal = { aborted: false, addEventListener: () => {}, removeEventListener };
  const calls = [auth.getToken({ signal: signal as unknown as AbortSignal }), auth.getToken()];
  const [one, other] = await Promise.all(calls);
  expect(one?.value).toBe(other?.value);
  expect(clock.pending).toBe(0);
});
