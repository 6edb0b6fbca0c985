import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { cancellationOf } from '../../../src/time/wait.ts';
import {
  type FormPost,
  type FormReply,
  postWithin,
  secretsIn,
} from '../../../src/token/endpoint/form-post.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { deferred } from '../support.ts';

const form = new URLSearchParams({ grant_type: 'password', client_id: 'id', scope: 'a', password: 'p@ss' });
const REPLY: FormReply = { kind: 'reply', status: 200, header: () => undefined, body: '{}' };

function posting() {
  const clock = new ManualClock();
  const answer = deferred<FormReply>();
  const signals: AbortSignal[] = [];
  const post = (_url: string, _form: URLSearchParams, signal: AbortSignal) => {
    signals.push(signal);
    return answer.promise;
  };
  return { clock, answer, signals, parts: { clock, post, tokenTimeoutMs: 5_000 } };
}

describe('one POST within its limit', () => {
  test('gives the reply, and leaves neither timer nor listener; its timer keeps no process alive', async () => {
    const { answer, clock, parts } = posting();
    const { signal } = new AbortController();
    const reply = postWithin(parts, 'https://a.example/token', form, cancellationOf(signal));
    expect([clock.pending, clock.keepingAlive]).toEqual([1, 0]);
    answer.resolve(REPLY);
    expect(await reply).toBe(REPLY);
    expect(clock.pending).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('at its end is aborted, and comes to no reply that names the option', async () => {
    const { clock, parts, signals } = posting();
    const reply = postWithin(parts, 'https://a.example/token', form, undefined);
    clock.advance(4_999);
    expect(signals[0]?.aborted).toBe(false);
    clock.advance(1);
    expect(await reply).toEqual({
      kind: 'no-reply',
      error: new Error('no answer within 5000 ms ("tokenTimeoutMs")'),
    });
    expect(signals[0]?.aborted).toBe(true);
  });

  test('rejects with the reason once nobody wants it any more', async () => {
    const { clock, parts, signals } = posting();
    const controller = new AbortController();
    const reply = postWithin(parts, 'https://a.example/token', form, cancellationOf(controller.signal));
    controller.abort('all left');
    await expect(reply).rejects.toBe('all left');
    expect([signals[0]?.reason, clock.pending]).toEqual(['all left', 0]);
  });

  test('is not sent where nobody wants it from the start', async () => {
    const { clock, parts, signals } = posting();
    const reply = postWithin(
      parts,
      'https://a.example/token',
      form,
      cancellationOf(AbortSignal.abort('all left')),
    );
    await expect(reply).rejects.toBe('all left');
    expect([signals, clock.pending]).toEqual([[], 0]);
  });
});

describe('a reply whose body does not arrive (E2)', () => {
  const head = (status: number) => ({ ...REPLY, status, body: undefined }) as const;
  const broken: FormReply = { kind: 'no-reply', error: new Error('incorrect header check') };
  const late: FormReply = {
    kind: 'no-reply',
    error: new Error('no answer within 5000 ms ("tokenTimeoutMs")'),
  };

  test.each([
    [429, 'tells what its status says'],
    [500, 'tells what its status says'],
    [503, 'tells what its status says'],
    [200, 'is none'],
    [400, 'is none'],
    [401, 'is none'],
    [428, 'is none'],
    [499, 'is none'],
  ])('with status %d %s, be the body broken or late', async (status, what) => {
    const clock = new ManualClock();
    const post = (body: Promise<FormReply>): FormPost => {
      return (_url, _form, _signal, onHead) => {
        onHead?.(head(status));
        return body;
      };
    };
    const send = (body: Promise<FormReply>) =>
      postWithin({ clock, post: post(body), tokenTimeoutMs: 5_000 }, 'https://a.example/token', form);
    const first = await send(Promise.resolve(broken));
    const second = send(new Promise(() => {}));
    clock.advance(5_000);
    const told = what === 'is none' ? [broken, late] : [head(status), head(status)];
    expect(JSON.stringify([first, await second])).toBe(JSON.stringify(told));
  });
});

test('what of a form is a secret: all but grant type, client id and scope; and a key in the query it goes to', () => {
  expect(secretsIn(form, 'https://a.example/token')).toEqual(['p@ss']);
  expect(secretsIn(form, 'https://a.example/token?key=key%2Dof%2Dus&env=test&v=1234567')).toEqual([
    'p@ss',
    'key-of-us',
  ]);
});
