/** A process that takes the lock, says `locked`, and stores and releases when it is told to `finish`. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { redisTokenStore } from '../../../src/redis/index.ts';

const [url = '', prefix = '', key = '', record = '', leaseMs = ''] = process.argv.slice(2);
const client = new Redis(url);
const store = redisTokenStore(client, { prefix, timeoutMs: 20_000, leaseMs: Number(leaseMs) });
const lines = createInterface({ input: process.stdin });

let set: unknown = 'stored';
let lock: unknown = 'released';
try {
  await store.withLock(
    key,
    async () => {
      process.stdout.write('locked\n');
      await once(lines, 'line');
      try {
        await store.set(key, JSON.parse(record));
      } catch (error) {
        set = error;
      }
    },
    new AbortController().signal,
  );
} catch (error) {
  lock = error;
}
lines.close();
client.disconnect();
process.stdout.write(`${JSON.stringify({ set, lock })}\n`);
