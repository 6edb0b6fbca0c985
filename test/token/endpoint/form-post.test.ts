import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { cancellationOf } from '../../../src/time/wait.ts';
import { type FormReply, postWithin, secretsIn } from '../../../src/token/endpoint/form-post.ts';
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

test('what of a form is a secret: all but grant type, client id and scope', () => {
  expect(secretsIn(form)).toEqual(['p@ss']);
});
