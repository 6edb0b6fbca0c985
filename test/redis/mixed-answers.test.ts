import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { redisTokenStore } from '../../src/redis/index.ts';
import { clients } from './support/clients.ts';
import { useRedis } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { noOwnRedis, ownRedis, type RedisServer } from './support/redis-server.ts';

const RECORD = /\$\d+\r\n\d+\.1\.plain\.[^\r]*\r\n/g;

/** Stands before Redis. Once told to, it gives the answers to the next two reads in each other's place. */
async function mixingProxy(url: string): Promise<{ readonly url: string; mixNext(): void }> {
  let isMixing = false;
  const server = createServer((down) => {
    const up = connect(Number(new URL(url).port), new URL(url).hostname);
    let held = '';
    down.on('error', () => {}).on('close', () => up.destroy());
    up.on('error', () => {}).on('close', () => down.destroy());
    down.on('data', (data) => up.write(data));
    up.on('data', (data) => {
      held += data.toString('latin1');
      const [first, second] = held.match(RECORD) ?? [];
      if (isMixing && second === undefined) return;
      const answer = isMixing ? `${second}${first}` : held;
      [held, isMixing] = ['', false];
      down.write(answer, 'latin1');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const mixNext = () => {
    isMixing = true;
  };
  return { url: `redis://127.0.0.1:${port}`, mixNext };
}

/** A proxy, a client or Redis that loses count of its answers: each was seen to, and one merchant got another's data. */
describe.skipIf(noOwnRedis).each(clients)('answers in each other’s place, with $name', (client) => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await ownRedis();
  });
  afterAll(() => server?.stop());
  const redis = useRedis(() => server, client);

  it('bring nobody another one’s token', async () => {
    const proxy = await mixingProxy(server.url);
    const { client: connected, close } = await client.connect(proxy.url);
    onTestFinished(async () => {
      await close();
    });
    const store = redisTokenStore(connected, { prefix: redis.prefix, timeoutMs: 20_000 });
    const writer = await redis.store();
    await writer.set('merchant-1', recordNumber(1));
    await writer.set('merchant-2', recordNumber(2));
    await vi.waitFor(async () => expect(await store.get('merchant-3')).toBeUndefined(), { timeout: 30_000 });
    proxy.mixNext();
    const both = await Promise.allSettled([store.get('merchant-1'), store.get('merchant-2')]);
    const unreadable = { status: 'rejected', reason: { code: 'ERR_REDIS_UNREADABLE' } };
    expect(both).toMatchObject([unreadable, unreadable]);
    expect(await store.get('merchant-1')).toEqual(recordNumber(1));
  });
});
