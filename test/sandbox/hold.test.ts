import { describe, expect, it } from 'vitest';
import { payment } from '../support/payments.ts';
import { call, mint, mintedToken, sandboxFor } from './support.ts';

describe('hold', () => {
  it('parks what arrives, counted and logged, until it is released', async () => {
    const sandbox = await sandboxFor();
    const hold = sandbox.hold('token');
    const minting = [mint(sandbox), mint(sandbox), mint(sandbox)];
    await hold.waitFor(3);
    expect(hold.arrived).toBe(3);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 3, mints: 3, maxConcurrentTokenRequests: 3 });
    expect(sandbox.requests().map(({ status }) => status)).toEqual([undefined, undefined, undefined]);
    hold.release();
    expect((await Promise.all(minting)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await mint(sandbox)).status).toBe(200);
    expect(hold.arrived).toBe(3);
  });

  it('release(n): the oldest first; what is not used yet is for those who come', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const hold = sandbox.hold('api');
    const done: string[] = [];
    const ask = (name: string): Promise<unknown> =>
      call(sandbox, `/echo?${name}`, { token }).then(() => done.push(name));
    const a = ask('a');
    await hold.waitFor(1);
    const b = ask('b');
    await hold.waitFor(2);
    hold.release(1);
    await a;
    expect(done).toEqual(['a']);
    hold.release(2);
    await b;
    await ask('c');
    const d = ask('d');
    await hold.waitFor(4);
    expect(sandbox.stats().apiRequestsInFlight).toBe(1);
    expect(done).toEqual(['a', 'b', 'c']);
    hold.release();
    await d;
  });

  it.each([
    ['before', 200],
    [undefined, 200],
    ['after', 401],
  ] as const)('process %s: a token revoked meanwhile gets %d', async (process, status) => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const hold = sandbox.hold('api', undefined, process === undefined ? {} : { process });
    const asked = call(sandbox, '/protected', { token });
    await hold.waitFor(1);
    sandbox.revokeAllTokens();
    hold.release();
    expect((await asked).status).toBe(status);
  });

  it.each([
    ['before', 1],
    ['after', 0],
    ['late', 1],
  ] as const)('process %s: of a payment whose client has left, %d are made', async (process, payments) => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const hold = sandbox.hold('api', '/payout', { process });
    const giveUp = new AbortController();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify([payment('1')]), signal: giveUp.signal };
    const paid = fetch(`${sandbox.url}/payout/v2/payment`, init);
    await hold.waitFor(1);
    expect(sandbox.stats().payments).toBe(process === 'before' ? 1 : 0);
    giveUp.abort();
    await expect(paid).rejects.toThrow('aborted');
    await hold.waitForAborted(1);
    hold.release();
    expect(sandbox.stats()).toMatchObject({ payments, aborted: 1, apiRequestsInFlight: 0 });
  });

  it('may be for a path', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const hold = sandbox.hold('api', '/protected');
    expect((await call(sandbox, '/echo', { token })).status).toBe(200);
    const asked = call(sandbox, '/protected', { token });
    await hold.waitFor(1);
    hold.release();
    expect((await asked).status).toBe(200);
  });

  it('the oldest of two takes a request, the other one those after its end', async () => {
    const sandbox = await sandboxFor();
    const [first, second] = [sandbox.hold('token'), sandbox.hold('token')];
    const minting = [mint(sandbox)];
    await first.waitFor(1);
    first.release();
    minting.push(mint(sandbox));
    await second.waitFor(1);
    expect(first.arrived).toBe(1);
    second.release();
    await Promise.all(minting);
  });

  it('delivers a planned fault or limit at release', async () => {
    const sandbox = await sandboxFor();
    sandbox.rateLimit(1);
    const hold = sandbox.hold('token');
    const minting = mint(sandbox);
    await hold.waitFor(1);
    hold.release();
    expect((await minting).status).toBe(429);
  });

  it('a client that leaves is counted, and uses up no release', async () => {
    const sandbox = await sandboxFor();
    const hold = sandbox.hold('token');
    const giveUp = new AbortController();
    const left = fetch(sandbox.environment.tokenUrl, { method: 'POST', signal: giveUp.signal });
    await hold.waitFor(1);
    const stays = mint(sandbox);
    await hold.waitFor(2);
    giveUp.abort();
    await expect(left).rejects.toThrow('aborted');
    await hold.waitForAborted(1);
    expect(hold.aborted).toBe(1);
    expect(sandbox.stats()).toMatchObject({ aborted: 1, tokenRequestsInFlight: 1 });
    hold.release(1);
    expect((await stays).status).toBe(200);
  });

  it('ends with the sandbox: those who wait for it are rejected', async () => {
    const sandbox = await sandboxFor();
    const hold = sandbox.hold('token');
    const minting = mint(sandbox);
    await hold.waitFor(1);
    const never = hold.waitFor(2);
    await sandbox.close();
    await expect(never).rejects.toThrow('the sandbox was closed');
    await expect(minting).rejects.toThrow();
    hold.release();
  });
});
