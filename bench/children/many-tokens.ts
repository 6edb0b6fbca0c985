/** 100,000 tokens in one process: what they take, and what they cost each request. Prints JSON. */
import axios from 'axios';
import { createPayuAuth, MemoryTokenStore, type PayuAuth, type TokenStore } from 'axios-payu-auth';
import { interleave, pairedRatio } from '../support/paired.ts';
import { seededRandom } from '../support/random.ts';
import { targetWithoutIo } from '../support/target.ts';

const COUNT = 100_000;
const BATCH = 50;
/** Visits all of them, in an order that no cache can guess. */
const STRIDE = 31_337;
const rounds = Number(process.argv[2]);
const { tokenUrl, clientSecret, transport, apiUrl } = targetWithoutIo;

function authOf(clientId: string, store?: TokenStore): PayuAuth {
  return createPayuAuth({
    environment: { tokenUrl },
    grant: { type: 'client_credentials', clientId, clientSecret },
    scope: 'scope_0',
    ...(store === undefined ? {} : { store }),
  });
}

function heapUsed(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** 64 hexadecimal digits, like a server's; flat in memory, as if they had come over the wire. */
function tokenValue(index: number): string {
  return Buffer.from(index.toString(16).padStart(64, 'a')).toString('latin1');
}

function oneAttached(auth: PayuAuth): (scope: string) => Promise<unknown> {
  const client = axios.create({ baseURL: apiUrl, ...transport });
  auth.attach(client);
  return (scope) => client.get('/', { payuAuth: { scope } });
}

/** Bytes per token, with one auth and a scope for each. */
async function bytesPerScope(auth: PayuAuth, scopes: readonly string[]): Promise<number> {
  const before = heapUsed();
  for (const [index, scope] of scopes.entries()) {
    await auth.setToken({ accessToken: tokenValue(index), expiresInSeconds: 3_600 }, { scope });
  }
  return (heapUsed() - before) / COUNT;
}

/** Bytes per token, with an auth for each: as many merchants. */
async function bytesPerClient(): Promise<number> {
  const auths: PayuAuth[] = [];
  const before = heapUsed();
  for (let index = 0; index < COUNT; index++) {
    const auth = authOf(`client_${index}`);
    await auth.setToken({ accessToken: tokenValue(index), expiresInSeconds: 3_600 });
    auths.push(auth);
  }
  const bytes = (heapUsed() - before) / auths.length;
  for (const auth of auths) await auth.close();
  return bytes;
}

/** Time of a request, and of `getToken` alone, with 100,000 tokens against the same with one. */
async function lookUps(many: PayuAuth, scopes: readonly string[]) {
  const one = authOf('one');
  await one.setToken({ accessToken: tokenValue(0), expiresInSeconds: 3_600 });
  // As many strings in as many places, so that fetching the scope from memory costs both the same.
  const sameScopes = scopes.map(() => Buffer.from('scope_0').toString('latin1'));
  const contestant = (name: string, look: (scope: string) => Promise<unknown>, asked: readonly string[]) => {
    let next = 0;
    return {
      name,
      run: async () => {
        for (let i = 0; i < BATCH; i++) {
          next = (next + STRIDE) % COUNT;
          await look(asked[next] ?? '');
        }
      },
    };
  };
  const times = await interleave(
    [
      contestant('request of one', oneAttached(one), sameScopes),
      contestant('request of many', oneAttached(many), scopes),
      contestant('token of one', (scope) => one.getToken({ scope }), sameScopes),
      contestant('token of many', (scope) => many.getToken({ scope }), scopes),
    ],
    { rounds, warmUpRounds: 200, random: seededRandom(3) },
  );
  return {
    requestRatio: pairedRatio(times, 'request of many', 'request of one').median,
    tokenRatio: pairedRatio(times, 'token of many', 'token of one').median,
  };
}

/** Time of a store operation that fails, with 100,000 tokens held against the same with one. */
async function failures(scopes: readonly string[]): Promise<number> {
  let isBroken = false;
  class BreakableStore extends MemoryTokenStore {
    override set(...parameters: Parameters<MemoryTokenStore['set']>): void {
      if (isBroken) throw new Error('The store is broken.');
      super.set(...parameters);
    }
  }
  const put = (auth: PayuAuth, index: number, scope: string) =>
    auth.setToken({ accessToken: tokenValue(index), expiresInSeconds: 3_600 }, { scope });
  const one = authOf('one', new BreakableStore());
  const many = authOf('many', new BreakableStore());
  await put(one, 0, 'scope_0');
  for (const [index, scope] of scopes.entries()) await put(many, index, scope);
  isBroken = true;
  const contestant = (name: string, auth: PayuAuth) => ({
    name,
    run: async () => {
      for (let i = 0; i < BATCH; i++) await put(auth, 0, 'scope_0');
    },
  });
  const times = await interleave([contestant('of one', one), contestant('of many', many)], {
    rounds: Math.ceil(rounds / 10),
    warmUpRounds: 20,
    random: seededRandom(5),
  });
  await one.close();
  await many.close();
  return pairedRatio(times, 'of many', 'of one').median;
}

const scopes = Array.from({ length: COUNT }, (_, index) => Buffer.from(`scope_${index}`).toString('latin1'));
const many = authOf('many');
const perScope = await bytesPerScope(many, scopes);
const ratios = await lookUps(many, scopes);
await many.close();
const failureRatio = await failures(scopes);
console.log(JSON.stringify({ perScope, perClient: await bytesPerClient(), failureRatio, ...ratios }));
