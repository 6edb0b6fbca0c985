/** What a million requests leave behind in the heap. Prints JSON. */
import { ours } from '../support/contenders.ts';
import { targetWithoutIo } from '../support/target.ts';

const requests = Number(process.argv[2]);
const client = await ours(targetWithoutIo);

async function call(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await client.call();
}

function heapUsed(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

await call(50_000); // compiled code and feedback are in the heap as well
const before = heapUsed();
await call(requests);
console.log(JSON.stringify({ grownBytes: heapUsed() - before }));
