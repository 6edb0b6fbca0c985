import { randomBytes, randomUUID } from 'node:crypto';
import axios from 'axios';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createPayuAuth, type Grant } from '../../src/index.ts';
import { type RedisTokenStoreOptions, redisTokenStore } from '../../src/redis/index.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { adminOf } from './support/clients.ts';
import { anyRedis, noRedis, type RedisServer } from './support/redis-server.ts';

const key = randomBytes(32);
const newKey = randomBytes(32);

/** As docs/fleet.md has them: each is rolled out to all processes before the next one begins. */
const ON: readonly RedisTokenStoreOptions[] = [
  {},
  { decryptionKey: key },
  { encryptionKey: key, acceptPlain: true },
  { encryptionKey: key },
];
const ROTATION: readonly RedisTokenStoreOptions[] = [
  { encryptionKey: key },
  { encryptionKey: [key, newKey] },
  { encryptionKey: [newKey, key] },
  { encryptionKey: newKey },
];

describe.skipIf(noRedis)('a fleet is switched over, one process after the other', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await anyRedis();
  });
  afterAll(() => server?.stop());

  /** A process with these options; closed when it is restarted with others, or the test is over. */
  function start(sandbox: Sandbox, grant: Grant, options: RedisTokenStoreOptions) {
    const redis = new Redis(server.url).on('error', () => {});
    const { environment, url } = sandbox;
    const store = redisTokenStore(redis, { timeoutMs: 20_000, ...options });
    const auth = createPayuAuth({ environment, grant, scope: 'create_payout_transactions', store });
    const client = axios.create({ baseURL: `${url}/payout` });
    auth.attach(client);
    const close = async () => {
      await auth.close();
      redis.disconnect();
    };
    onTestFinished(close);
    const call = () => client.get('/merchant/getAccountDetail').then(() => 'fulfilled', String);
    return { call, close };
  }

  it.each([
    ['encryption on', ON, 1, /^1\.gcm\./],
    ['encryption off', [...ON].reverse(), 1, /^1\.plain\./],
    ['a new key', ROTATION, 1, /^1\.gcm\./],
    // What the steps are for: a process that is restarted cannot read the last refresh token.
    ['encryption on, in one step', [{}, { encryptionKey: key }], 2, /^1\.gcm\./],
  ] as const)('%s, with a refresh token that rotates at once', async (_, steps, logins, written) => {
    const sandbox = await startSandbox({ refreshRotation: 'immediate' });
    onTestFinished(() => sandbox.close());
    const { username, password, publicClientId: clientId } = sandbox;
    const grant = { type: 'password', username, password, clientId } as const;
    const prefix = `rollout-${randomUUID()}:`;
    const open = (options: RedisTokenStoreOptions = {}) => start(sandbox, grant, { ...options, prefix });
    const fleet = [open(steps[0]), open(steps[0])];
    const rotateByEach = async () => {
      for (const first of fleet) {
        sandbox.revokeAllTokens({ keep: 'refresh-tokens' });
        expect(await first.call()).toBe('fulfilled');
        for (const each of fleet) expect(await each.call()).toBe('fulfilled');
      }
    };
    await rotateByEach();
    for (const step of steps.slice(1)) {
      for (const index of fleet.keys()) {
        await fleet[index]?.close();
        fleet[index] = open(step);
        await rotateByEach();
      }
    }
    expect(sandbox.stats().tokenRequestsByGrant.password).toBe(logins);
    const admin = adminOf(server.url);
    onTestFinished(() => admin.disconnect());
    for (const name of await admin.keys(`${prefix}*`)) {
      expect(await admin.get(name)).toMatch(written);
      await admin.unlink(name);
    }
  });

  it("the client's secret: processes that read it at each mint share one token of the new one, beside one that has the old", async () => {
    const sandbox = await startSandbox();
    onTestFinished(() => sandbox.close());
    let inVault = sandbox.clientSecret;
    const { clientId, clientSecret } = sandbox;
    const prefix = `secret-${randomUUID()}:`;
    const open = (secret: string | (() => string)) =>
      start(sandbox, { type: 'client_credentials', clientId, clientSecret: secret }, { prefix });
    const fleet = [open(() => inVault), open(() => inVault)];
    const forgotten = open(clientSecret);
    for (const each of [...fleet, forgotten]) expect(await each.call()).toBe('fulfilled');
    expect(sandbox.stats().tokenRequests).toBe(1);

    inVault = 'a-new-secret';
    sandbox.setClientSecret(inVault);
    for (const each of [...fleet, forgotten]) expect(await each.call()).toBe('fulfilled'); // the old token lives on
    sandbox.revokeAllTokens();
    // Its refusal is shared, and says nothing about the new secret.
    expect(await forgotten.call()).toContain('invalid_client');
    for (const each of fleet) expect(await each.call()).toBe('fulfilled');
    expect(sandbox.stats().tokenRequests).toBe(3);
    const admin = adminOf(server.url);
    onTestFinished(() => admin.disconnect());
    await admin.unlink(await admin.keys(`${prefix}*`));
  });
});
