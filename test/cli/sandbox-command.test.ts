import { describe, expect, test } from 'vitest';
import { run, sandboxFor } from './support.ts';

/** Starts the command; its first lines, and how to send the signal that ends it. */
async function running(...args: readonly string[]): Promise<{
  lines: readonly string[];
  stop: (signal: string) => Promise<Awaited<ReturnType<typeof run>>>;
}> {
  let stop: (signal: string) => void = () => {};
  const stopped = new Promise<string>((resolve) => {
    stop = resolve;
  });
  const lines: string[] = [];
  let ran: ReturnType<typeof run> | undefined;
  // It asks how to be stopped once it has said all that it has to say.
  await new Promise<void>((ready) => {
    ran = run(
      ['sandbox', ...args],
      {},
      {
        out: (line) => lines.push(line),
        askedToStop: () => {
          ready();
          return stopped;
        },
      },
    );
  });
  return {
    lines,
    stop: (signal) => {
      stop(signal);
      return ran as ReturnType<typeof run>;
    },
  };
}

interface Address {
  readonly url: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

async function mint(address: Address): Promise<Readonly<Record<string, unknown>>> {
  const reply = await fetch(address.tokenUrl, { method: 'POST', body: form(address) });
  return (await reply.json()) as Readonly<Record<string, unknown>>;
}

function form({ clientId, clientSecret }: Address): URLSearchParams {
  return new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope: 'create_payout_transactions',
  });
}

describe('the sandbox command', () => {
  test('prints address, token URL, credentials and how to stop it', async () => {
    const { lines, stop } = await running();
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(lines[0] ?? '')?.[0];
    expect(lines).toEqual([
      `The sandbox runs on ${url}`,
      `  token URL        ${url}/oauth/token`,
      `  revocation URL   ${url}/oauth/revoke`,
      '  client           sandbox-client-id with the secret sandbox-client-secret',
      '  user             merchant@sandbox.example with the password sandbox-password, at the public client sandbox-public-client-id',
      `  faults, counters ${url}/_sandbox`,
      `Stop it with Ctrl+C, or with: kill ${process.pid}`,
    ]);
    await stop('SIGINT');
  });

  test.each(['SIGINT', 'SIGTERM'])(
    '%s ends it with exit code 0, and the port is free again',
    async (signal) => {
      const { lines, stop } = await running('--json');
      const { url } = JSON.parse(lines[0] ?? '') as Address;
      expect((await fetch(`${url}/_sandbox/stats`)).status).toBe(200);
      expect(await stop(signal)).toMatchObject({ code: 0, err: [`${signal}: the sandbox has ended.`] });
      await expect(fetch(`${url}/_sandbox/stats`)).rejects.toThrow();
    },
  );

  test('--json: one line that another program can read, faults and counters over HTTP', async () => {
    const { lines, stop } = await running('--json', '--token-life', '100', '--reuse-tokens', '--seed', '7');
    expect(lines).toHaveLength(1);
    const address = JSON.parse(lines[0] ?? '') as Address;
    const [first, second] = [await mint(address), await mint(address)];
    expect(first).toMatchObject({ expires_in: 100 });
    expect(second).toMatchObject({ access_token: first.access_token });
    await fetch(`${address.url}/_sandbox/rate-limit`, { method: 'POST', body: '{"count":1,"retryAfter":5}' });
    expect(await mint(address)).toMatchObject({ error: 'rate_limit_exceeded', retry_after: 5 });
    const stats = await (await fetch(`${address.url}/_sandbox/stats`)).json();
    expect(stats).toMatchObject({ tokenRequests: 3, mints: 1, reused: 1, rateLimited: 1 });
    await stop('SIGTERM');
  });

  test.each([
    ['--revoke-previous', 401],
    ['--reuse-tokens', 200],
  ])('%s: the first token after a second mint gets %i', async (flag, status) => {
    const { lines, stop } = await running('--json', flag);
    const address = JSON.parse(lines[0] ?? '') as Address;
    const { access_token: token } = await mint(address);
    await mint(address);
    const reply = await fetch(`${address.url}/payout/merchant/getAccountDetail`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(reply.status).toBe(status);
    await stop('SIGTERM');
  });

  test('a port that is taken: exit code 1, and what to do', async () => {
    const { sandbox } = await sandboxFor();
    const { port } = new URL(sandbox.url);
    expect(await run(['sandbox', '--port', port])).toEqual({
      code: 1,
      out: [],
      err: [`The sandbox cannot listen on port ${port} (EADDRINUSE): choose another --port, or 0.`],
    });
  });
});
