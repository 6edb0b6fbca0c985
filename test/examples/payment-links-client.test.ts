import { describe, expect, test } from 'vitest';
import { type NewPaymentLink, PaymentLinksClient } from '../../examples/payment-links-client.ts';
import type { Fault, RawReply } from '../../src/sandbox/index.ts';
import { LOST, type LostAnswer, titleOf } from './support/lost-answers.ts';
import { type ClientWorld, links, timeOutOnce } from './support/world.ts';

type World = ClientWorld<PaymentLinksClient>;

const invoice = (invoiceNumber: string, subAmount = 100): NewPaymentLink => ({
  invoiceNumber,
  subAmount,
  description: 'order 1',
  source: 'API',
});

/** What the sandbox was sent, in order. */
function sent({ sandbox }: World): readonly string[] {
  return sandbox.requests().flatMap(({ kind, method }) => (kind === 'api' ? method : []));
}

/** Does something to the sandbox just before the n-th request of a method leaves. */
function justBefore({ http }: World, method: 'get' | 'post', nth: number, act: () => unknown): void {
  let seen = 0;
  http.interceptors.request.use((config) => {
    if (config.method === method && ++seen === nth) act();
    return config;
  });
}

function lose(world: World, { fault, effect, hangs }: LostAnswer): void {
  justBefore(world, 'post', 1, () => world.sandbox.fail(1, fault, { on: 'api' }));
  if (hangs)
    timeOutOnce(world, ({ faults, paymentLinks }) => (effect === 'none' ? faults : paymentLinks) === 1);
}

describe('createOnce, when the answer is lost', () => {
  test.each(LOST.map((row) => [titleOf(row), row] as const))('%s: one link, and found', async (_, row) => {
    const world = await links();
    lose(world, row);
    const verdict = await world.start().createOnce(invoice('INV1'));
    expect(verdict).toMatchObject({
      kind: 'created',
      link: {
        invoiceNumber: 'INV1',
        subAmount: 100,
        active: true,
        paymentLink: expect.stringContaining('INV1'),
      },
    });
    expect(world.sandbox.stats()).toMatchObject({ paymentLinks: 1, faults: 1 });
    const resent = ['GET', 'POST', 'GET', 'GET', 'GET', 'POST'];
    expect(sent(world)).toEqual(row.effect === 'none' ? resent : ['GET', 'POST', 'GET']);
  });

  test('a request that comes late, while the client asks already: one link, and found', async () => {
    const world = await links();
    const { sandbox, time } = world;
    let hold: ReturnType<typeof sandbox.hold> | undefined;
    justBefore(world, 'post', 1, () => {
      hold = sandbox.hold('api', '/payment-links', { process: 'late' });
      hold.waitFor(1).then(() => time.timeOut());
    });
    time.onPause = () => hold?.waitForAborted(1);
    justBefore(world, 'get', 2, () => hold?.release());
    expect(await world.start().createOnce(invoice('INV1'))).toMatchObject({ kind: 'created' });
    expect(sandbox.stats().paymentLinks).toBe(1);
    expect(sent(world)).toEqual(['GET', 'POST', 'GET']);
  });
});

const reply = (status: number, message: string | null, result: unknown = null): RawReply => ({
  body: { status, message, result, errorCode: null, guid: null },
});
const NOT_FOUND = reply(-1, 'paymentLink not found');

describe('createOnce, when nothing is lost', () => {
  test('reads, and makes it', async () => {
    const world = await links();
    expect(await world.start().createOnce(invoice('INV1'))).toMatchObject({ kind: 'created' });
    expect(sent(world)).toEqual(['GET', 'POST']);
    expect(world.time.pauses).toEqual([]);
  });

  test.each([100, '100', '100.00', 100.00000000000001])(
    'it comes back with an amount of %j: created',
    async (subAmount) => {
      const world = await links();
      const link = { invoiceNumber: 'INV1', subAmount, paymentLink: 'http://x', active: true };
      world.sandbox.replyNext(reply(0, null, link), { on: 'api' });
      expect(await world.start().createOnce(invoice('INV1'))).toMatchObject({ kind: 'created' });
    },
  );

  test.each([undefined, '', ' ', 1111123])('the merchant id %j is refused at once', (merchantId) => {
    const http = { request: () => Promise.reject() };
    expect(() => new PaymentLinksClient(http, { merchantId: merchantId as string })).toThrow(
      '"merchantId" must be given',
    );
  });

  test('a second call finds it, and makes no other', async () => {
    const world = await links();
    const first = await world.start().createOnce(invoice('INV1'));
    const second = await world.start().createOnce(invoice('INV1'));
    expect(second).toMatchObject({
      kind: 'created',
      link: { paymentLink: Reflect.get(first, 'link').paymentLink },
    });
    expect(world.sandbox.stats().paymentLinks).toBe(1);
  });

  test('another amount of the same invoice number: mismatch', async () => {
    const world = await links();
    await world.start().createOnce(invoice('INV1', 5));
    const verdict = await world.start().createOnce(invoice('INV1'));
    expect(verdict).toMatchObject({ kind: 'mismatch', link: { subAmount: 5 } });
  });

  test('"already exists", and it is not found yet: read on', async () => {
    const world = await links();
    await world.start().createOnce(invoice('INV1'));
    for (let turn = 0; turn < 2; turn++)
      justBefore(world, 'get', turn + 1, () => world.sandbox.replyNext(NOT_FOUND, { on: 'api' }));
    expect(await world.start().createOnce(invoice('INV1'))).toMatchObject({ kind: 'created' });
    expect(world.sandbox.stats().paymentLinks).toBe(1);
  });

  test('refused for what is in it: once three further looks have found nothing', async () => {
    const world = await links();
    justBefore(world, 'post', 1, () =>
      world.sandbox.replyNext(reply(-1, 'Sub Amount is not valid.'), { on: 'api' }),
    );
    const verdict = await world.start().createOnce(invoice('INV1'));
    expect(verdict).toEqual({ kind: 'refused', reason: 'Sub Amount is not valid.' });
    expect(sent(world)).toEqual(['GET', 'POST', 'GET', 'GET', 'GET']);
  });

  test.each([1, 2, 3])(
    'refused in other words, as an earlier run has made it, and %i looks do not find it: created',
    async (lag) => {
      const world = await links();
      await world.start().createOnce(invoice('INV1'));
      for (let look = 0; look < lag; look++)
        justBefore(world, 'get', look + 1, () => world.sandbox.replyNext(NOT_FOUND, { on: 'api' }));
      justBefore(world, 'post', 1, () =>
        world.sandbox.replyNext(reply(-1, 'Duplicate invoice'), { on: 'api' }),
      );
      expect(await world.start().createOnce(invoice('INV1'))).toMatchObject({ kind: 'created' });
      expect(world.sandbox.stats().paymentLinks).toBe(1);
    },
  );

  test('refused, and no time left to look again: unknown, with what PayU said', async () => {
    const world = await links();
    justBefore(world, 'post', 1, () =>
      world.sandbox.replyNext(reply(-1, 'Sub Amount is not valid.'), { on: 'api' }),
    );
    expect(await world.start().createOnce(invoice('INV2'), { giveUpAfterMs: 900 })).toMatchObject({
      kind: 'unknown',
      error: { kind: 'refused', message: expect.stringContaining('Sub Amount is not valid.') },
    });
  });

  test('its invoice number comes back as a JSON number: found', async () => {
    const world = await links();
    const link = { invoiceNumber: 4711, subAmount: 100, paymentLink: 'http://x', active: true };
    world.sandbox.replyNext(reply(0, null, link), { on: 'api' });
    expect(await world.start().createOnce(invoice('4711'))).toMatchObject({
      kind: 'created',
      link: { invoiceNumber: '4711' },
    });
  });

  test('refused after a lost answer: no verdict, until it is found', async () => {
    const world = await links();
    lose(world, { fault: { kind: 'reset-before-read' }, effect: 'none' });
    justBefore(world, 'post', 2, () => world.sandbox.replyNext(reply(-1, 'Limit exceeded'), { on: 'api' }));
    const verdict = await world.start().createOnce(invoice('INV1'));
    expect(verdict).toMatchObject({ kind: 'unknown', why: 'not-found' });
    expect(sent(world).filter((method) => method === 'POST')).toHaveLength(2);
  });

  test.each([
    ['invoiceNumber', 'INV2'],
    ['subAmount', 999],
  ])('its "%s" changes while it is made: one link, as it was given', async (name, value) => {
    const world = await links();
    const link: Record<string, unknown> = { ...invoice('INV1') };
    lose(world, { fault: { kind: 'reset-before-read' }, effect: 'none' });
    world.time.onPause = () => {
      link[name] = value;
    };
    const verdict = await world.start().createOnce(link as never);
    expect(verdict).toMatchObject({
      kind: 'created',
      link: { invoiceNumber: 'INV1', subAmount: invoice('INV1').subAmount },
    });
    expect(world.sandbox.stats().paymentLinks).toBe(1);
  });

  test('what is in it changes while it is made: it is sent as it was given', async () => {
    const world = await links();
    const customer = { name: 'Asha Rao', phone: '9000000001' };
    justBefore(world, 'get', 1, () => Object.assign(customer, { name: 'Ravi Iyer' }));
    await world.start().createOnce({ ...invoice('INV1'), customer });
    const post = world.sandbox.requests().find(({ method, kind }) => kind === 'api' && method === 'POST');
    expect(JSON.parse(String(post?.rawBody))).toMatchObject({ customer: { name: 'Asha Rao' } });
  });

  test.each([undefined, null])('%s is refused before anything is sent', async (link) => {
    const world = await links();
    await expect(world.start().createOnce(link as never)).rejects.toThrow(TypeError);
    expect(world.sandbox.requests()).toEqual([]);
  });

  test('options that are undefined are as if left out', async () => {
    const world = await links();
    const options = { giveUpAfterMs: undefined, signal: undefined } as never;
    expect(await world.start().createOnce(invoice('INV1'), options)).toMatchObject({ kind: 'created' });
    expect(await world.start().find('INV1', options)).toMatchObject({ invoiceNumber: 'INV1' });
  });

  test('the other header', async () => {
    const { http, sandbox, time } = await links();
    const client = new PaymentLinksClient(http, { merchantId: '1111123', merchantHeader: 'mid' }, time);
    await client.createOnce(invoice('INV1'));
    expect(sandbox.requests().at(-1)?.headers).toMatchObject({ mid: '1111123' });
  });

  test('429, more often than the library waits: sent again, and one link', async () => {
    const world = await links();
    justBefore(world, 'post', 1, () => world.sandbox.rateLimit(3, { on: 'api', retryAfter: 0 }));
    expect(await world.start().createOnce(invoice('INV1'))).toMatchObject({ kind: 'created' });
    expect(world.sandbox.stats()).toMatchObject({ paymentLinks: 1, rateLimited: 3 });
  });

  test('two processes at once, with the same invoice number: one link, and both have it', async () => {
    const world = await links();
    const hold = world.sandbox.hold('api', '/payment-links');
    const calls = [world.start().createOnce(invoice('INV1')), world.start().createOnce(invoice('INV1'))];
    await hold.waitFor(2);
    hold.release();
    expect(await Promise.all(calls)).toMatchObject([{ kind: 'created' }, { kind: 'created' }]);
    expect(world.sandbox.stats().paymentLinks).toBe(1);
  });
});

describe('createOnce, when it cannot be read', () => {
  test.each<Fault>([
    { kind: 'reset-after-read' },
    { kind: 'reset-in-body' },
    { kind: 'truncated-json' },
    { kind: 'status', status: 403, body: 'html' },
    { kind: 'status', status: 500 },
    { kind: 'html-200' },
    { kind: 'empty-200' },
    { kind: 'garbage' },
  ])('%j: unknown, and nothing is sent; the same call finds out later', async (fault) => {
    const world = await links();
    world.sandbox.fail({ share: 1 }, fault, { on: 'api' });
    const verdict = await world.start().createOnce(invoice('INV1'));
    expect(verdict).toMatchObject({
      kind: 'unknown',
      why: 'not-answered',
      error: { name: 'PaymentLinksError' },
    });
    expect(new Set(sent(world))).toEqual(new Set(['GET']));
    world.sandbox.clearFaults();
    expect(await world.start().createOnce(invoice('INV1'))).toMatchObject({ kind: 'created' });
  });

  const whole = { invoiceNumber: 'INV1', subAmount: 1, paymentLink: 'http://x', active: true };
  test.each<[RawReply, string]>([
    [reply(-1, 'Internal error'), 'refused'],
    [reply(-1, null), 'refused'],
    [reply(0, null), 'not-understood'],
    [reply(0, null, { ...whole, invoiceNumber: 'INV11' }), 'not-understood'],
    [reply(0, null, { ...whole, paymentLink: '' }), 'not-understood'],
    ...[null, '', '1,000.00', '0x1', true, [1]].map((subAmount): [RawReply, string] => [
      reply(0, null, { ...whole, subAmount }),
      'not-understood',
    ]),
    [reply(1, null, whole), 'not-understood'],
    [{ body: [] }, 'not-understood'],
  ])('%j: no link, and not "none"', async (raw, kind) => {
    const world = await links();
    world.sandbox.replyNext(raw, { on: 'api' });
    await expect(world.start().find('INV1')).rejects.toMatchObject({ kind });
  });

  test('none, as PayU says it: undefined', async () => {
    const world = await links();
    expect(await world.start().find('INV1')).toBeUndefined();
  });

  test('aborted while it is being made: unknown; a process that starts later finds it', async () => {
    const world = await links();
    const leaving = new AbortController();
    lose(world, { fault: { kind: 'hang', processed: true }, effect: 'before' });
    world.sandbox.until(({ paymentLinks }) => paymentLinks === 1).then(() => leaving.abort());
    const verdict = await world.start().createOnce(invoice('INV1'), { signal: leaving.signal });
    expect(verdict).toMatchObject({ kind: 'unknown', why: 'aborted' });
    expect(await world.start().createOnce(invoice('INV1'))).toMatchObject({ kind: 'created' });
    expect(world.sandbox.stats().paymentLinks).toBe(1);
  });
});

test.each<[string, Partial<NewPaymentLink>, string]>([
  ['no invoice number', { invoiceNumber: undefined as never }, '"invoiceNumber" must be given'],
  ['an empty one', { invoiceNumber: '' }, '"invoiceNumber" must be given'],
  ['one that is a path', { invoiceNumber: '../INV1' }, '"invoiceNumber" must be given'],
  ['an amount of 0', { subAmount: 0 }, '"subAmount" must be'],
  ['a third decimal', { subAmount: 1.005 }, '"subAmount" must be'],
])('%s is refused before anything is sent', async (_, change, message) => {
  const world = await links();
  await expect(world.start().createOnce({ ...invoice('INV1'), ...change })).rejects.toThrow(message);
  expect(world.sandbox.requests()).toEqual([]);
});
