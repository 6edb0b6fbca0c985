import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { deadOrigin, type Env, run, sandboxFor } from './support.ts';

describe('the token command', () => {
  test('prints life and scope, never the value', async () => {
    const { sandbox, env } = await sandboxFor({ seed: 1 });
    const ran = await run(['token'], env);
    expect(ran).toMatchObject({ code: 0, err: [] });
    expect(ran.out).toEqual([
      expect.stringMatching(/^life: (7199|7200) s, until 20\S+Z$/),
      'scope: create_payout_transactions',
    ]);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, mints: 1 });
  });

  test('--show-token: the value alone on stdout, the rest on stderr, and PayU takes it', async () => {
    const { sandbox, env } = await sandboxFor();
    const ran = await run(['token', '--show-token'], env);
    expect(ran.code).toBe(0);
    expect(ran.out).toHaveLength(1);
    expect(ran.err).toEqual([expect.stringMatching(/^life: /), 'scope: create_payout_transactions']);
    const reply = await fetch(`${sandbox.url}/payout/merchant/getAccountDetail`, {
      headers: { authorization: `Bearer ${ran.out[0]}` },
    });
    expect(reply.status).toBe(200);
  });

  test('the password grant', async () => {
    const { sandbox, env } = await sandboxFor();
    const ran = await run(['token'], {
      ...env,
      PAYU_CLIENT_ID: sandbox.publicClientId,
      PAYU_CLIENT_SECRET: '',
      PAYU_USERNAME: sandbox.username,
      PAYU_PASSWORD: sandbox.password,
    });
    expect(ran.code).toBe(0);
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ password: 1 });
  });

  test('a grant of its own with parameters', async () => {
    const customGrant = { grantType: 'urn:payu:bbps', parameters: { agent_id: 'a b&c=d', key: '+%' } };
    const { sandbox, env } = await sandboxFor({ customGrant });
    const ran = await run(['token'], {
      ...env,
      PAYU_GRANT_TYPE: customGrant.grantType,
      PAYU_GRANT_PARAMETERS: new URLSearchParams(customGrant.parameters).toString(),
    });
    expect(ran).toMatchObject({ code: 0, err: [] });
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ 'urn:payu:bbps': 1 });
  });

  test('waits as PayU asks, and says so on stderr', async () => {
    const { sandbox, env } = await sandboxFor();
    sandbox.rateLimit(1, { retryAfter: 0 });
    const ran = await run(['token'], env);
    expect(ran.code).toBe(0);
    expect(ran.err).toEqual([
      expect.stringMatching(/^PayU asked to wait: no other try for \d s, until 20\S+Z\.$/),
    ]);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test.each<[string, Env, RegExp]>([
    [
      'a wrong secret',
      { PAYU_CLIENT_SECRET: 'wrong-one' },
      /^MEND credentials: .*"invalid_client": .* with this secret → /,
    ],
    ...['"wrong-one', "wrong-one'"].map((secret): [string, Env, RegExp] => [
      `a secret that is ${secret}`,
      { PAYU_CLIENT_SECRET: secret },
      /^MEND credentials: .*"invalid_client": .* with this secret, which begins or ends with a quotation mark → /,
    ]),
    ['a scope that is not allowed', { PAYU_SCOPE: 'nonsense' }, /^MEND scope: .*"nonsense" → /],
  ])(
    '%s: exit code 1, the reason with its remedy in one line on stderr, nothing on stdout',
    async (_title, wrong, line) => {
      const { env } = await sandboxFor();
      const ran = await run(['token', '--show-token'], { ...env, ...wrong });
      expect(ran).toEqual({ code: 1, out: [], err: [expect.stringMatching(line)] });
    },
  );

  test.each<[string, Env, RegExp]>([
    [
      'a secret with white space',
      { PAYU_CLIENT_SECRET: ' x-secret' },
      /^MEND variables: "PAYU_CLIENT_SECRET" must not/,
    ],
    ['a scope with a quote', { PAYU_SCOPE: 'a"b' }, /^MEND variables: "PAYU_SCOPE" holds /],
    [
      'scopes with commas',
      { PAYU_SCOPE: 'a, b' },
      /^MEND variables: "PAYU_SCOPE" holds "a,", with another separator: separate scopes by spaces → correct it$/,
    ],
    ...['PAYU_CLIENT_ID', 'PAYU_CLIENT_SECRET', 'PAYU_SCOPE', 'PAYU_TOKEN_URL', 'PAYU_GRANT_TYPE'].flatMap(
      (name) => ['"', "'"].map((mark) => inQuotes(name, mark)),
    ),
    inQuotes('PAYU_USERNAME', '"', { PAYU_PASSWORD: 'a-password' }),
    inQuotes('PAYU_PASSWORD', "'", { PAYU_USERNAME: 'me' }),
    [
      'a parameter in quotes',
      { PAYU_GRANT_TYPE: 'otp', PAYU_GRANT_PARAMETERS: 'otp="123456"' },
      /^MEND variables: "PAYU_GRANT_PARAMETERS" .*quotation mark.* → correct it$/,
    ],
    [
      'plain http',
      { PAYU_TOKEN_URL: 'http://a.example/t' },
      /^MEND variables: "PAYU_TOKEN_URL" must begin with https/,
    ],
    [
      'parameters that have their own variable',
      { PAYU_GRANT_TYPE: 'g', PAYU_GRANT_PARAMETERS: 'scope=x' },
      /^MEND variables: "PAYU_GRANT_PARAMETERS"/,
    ],
    [
      'a secret that was left over beside a user',
      { PAYU_TOKEN_URL: '', PAYU_CLIENT_ID: '', PAYU_USERNAME: 'me', PAYU_PASSWORD: 'a-password' },
      /^MEND variables: .* → unset PAYU_CLIENT_SECRET; /,
    ],
  ])('%s: nothing is sent, which exit code 2 says', async (_title, wrong, line) => {
    const { sandbox, env } = await sandboxFor();
    const ran = await run(['token', '--show-token'], { ...env, ...wrong });
    expect(ran).toEqual({ code: 2, out: [], err: [expect.stringMatching(line)] });
    expect(sandbox.stats().tokenRequests).toBe(0);
  });
});

/** A variable with the quotation marks that an .env file or a shell has left around its value. */
function inQuotes(name: string, mark: string, more: Env = {}): [string, Env, RegExp] {
  const env = { ...more, [name]: `${mark}https://a.example/b${mark}` };
  return [
    `${name} in ${mark}`,
    env,
    new RegExp(`^MEND variables: "${name}" [^→]*quotation mark[^→]*leave [^→]* → correct it$`),
  ];
}

describe('a refresh token, which PayU may replace at each use', () => {
  async function refreshing(): Promise<{
    env: Env;
    folder: string;
    file: string;
    refreshToken: string;
    sandbox: Awaited<ReturnType<typeof sandboxFor>>['sandbox'];
  }> {
    const { sandbox, env } = await sandboxFor({ refreshRotation: 'immediate' });
    const { refreshToken } = sandbox.issueToken({ scope: env.PAYU_SCOPE as string });
    const folder = await mkdtemp(join(tmpdir(), 'axios-payu-auth-cli-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    return {
      sandbox,
      refreshToken,
      folder,
      file: join(folder, 'refresh-token'),
      env: {
        ...env,
        PAYU_CLIENT_ID: sandbox.publicClientId,
        PAYU_CLIENT_SECRET: '',
        PAYU_REFRESH_TOKEN: refreshToken,
      },
    };
  }

  test.each(['token', 'doctor'])('%s: without a place for the new one nothing is sent', async (command) => {
    const { env, sandbox } = await refreshing();
    const ran = await run([command], env);
    expect(ran).toMatchObject({
      code: 2,
      out: [],
      err: [expect.stringContaining('--save-refresh-token FILE')],
    });
    expect(sandbox.stats().tokenRequests).toBe(0);
  });

  test.each(['token', 'doctor'])(
    '%s: the new one is written, for the owner alone, and works',
    async (command) => {
      const { env, file, folder, refreshToken, sandbox } = await refreshing();
      // The usual one, under which a file is readable by all unless told otherwise.
      const umask = process.umask(0o022);
      onTestFinished(() => void process.umask(umask));
      const ran = await run([command, '--save-refresh-token', file], env);
      expect(ran.code).toBe(0);
      expect(ran.out).toContain(`refresh token: written to ${file}`);
      const written = await readFile(file, 'utf8');
      expect(written).toMatch(/^\S+\n$/);
      expect(written.trim()).not.toBe(refreshToken);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await readdir(folder)).toEqual(['refresh-token']);
      expect(sandbox.stats().tokenRequests).toBe(1);
      const again = await run([command, '--save-refresh-token', file], {
        ...env,
        PAYU_REFRESH_TOKEN: written.trim(),
      });
      expect(again.code).toBe(0);
    },
  );

  test.each(['token', 'doctor'])(
    '%s: a place that is taken meanwhile: 1, and where the new one is',
    async (command) => {
      const { env, file, folder, sandbox } = await refreshing();
      const hold = sandbox.hold('token');
      const ran = run([command, '--save-refresh-token', file], env);
      await hold.waitFor(1);
      await mkdir(file);
      hold.release();
      expect(await ran).toMatchObject({
        code: 1,
        err: [expect.stringMatching(/could not be written .* it is in .*refresh-token\.new\./)],
      });
      const kept = (await readFile(join(folder, 'refresh-token.new'), 'utf8')).trim();
      expect(kept).not.toBe(env.PAYU_REFRESH_TOKEN);
      expect(kept).not.toBe('');
    },
  );

  test('a file that cannot be written is found out before anything is sent', async () => {
    const { env, folder, sandbox } = await refreshing();
    const ran = await run(['token', '--save-refresh-token', join(folder, 'missing', 'file')], env);
    expect(ran).toMatchObject({ code: 2, err: [expect.stringContaining('cannot be created (ENOENT)')] });
    expect(sandbox.stats().tokenRequests).toBe(0);
  });

  test.each<[string, (folder: string) => Promise<string>]>([
    ['no name, as of a variable that is not set', async () => ''],
    ['a folder', async (folder) => folder],
    ['a folder, with its slash', async (folder) => `${folder}/`],
    [
      'a link to a folder',
      async (folder) => {
        await symlink(folder, join(folder, 'link'));
        return join(folder, 'link');
      },
    ],
    [
      'what is neither file nor folder, such as a device',
      async (folder) => {
        const socket = createServer().listen(join(folder, 'socket'));
        onTestFinished(() => void socket.close());
        await once(socket, 'listening');
        return join(folder, 'socket');
      },
    ],
  ])('%s in place of a file is found out before anything is sent', async (_title, place) => {
    const { env, folder, sandbox } = await refreshing();
    const path = await place(folder);
    const before = await readdir(folder);
    const ran = await run(['token', '--save-refresh-token', path], env);
    expect(ran).toMatchObject({
      code: 2,
      err: [`--save-refresh-token: "${path}" is no file: give the name of one, which may be there or not.`],
    });
    expect(sandbox.stats().tokenRequests).toBe(0);
    expect(await readdir(folder)).toEqual(before);
    await expect(stat(`${path}.new`)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a failure leaves the old file as it was', async () => {
    const { env, file, folder } = await refreshing();
    await writeFile(file, 'the old one\n');
    const dead = { ...env, PAYU_TOKEN_URL: `${await deadOrigin()}/oauth/token` };
    const ran = await run(['doctor', '--save-refresh-token', file], dead);
    expect(ran.code).toBe(1);
    expect(await readFile(file, 'utf8')).toBe('the old one\n');
    expect(await readdir(folder)).toEqual(['refresh-token']);
  });

  test('the password grant has one too', async () => {
    const { env, file, sandbox } = await refreshing();
    const ran = await run(['token', '--save-refresh-token', file], {
      ...env,
      PAYU_REFRESH_TOKEN: '',
      PAYU_USERNAME: sandbox.username,
      PAYU_PASSWORD: sandbox.password,
    });
    expect(ran.code).toBe(0);
    expect(await readFile(file, 'utf8')).toMatch(/^\S+\n$/);
  });

  test('client credentials have none: no file', async () => {
    const { folder, file } = await refreshing();
    const { env } = await sandboxFor();
    const ran = await run(['token', '--save-refresh-token', file], env);
    expect(ran.out).toContain('refresh token: there is none, nothing was written');
    expect(await readdir(folder)).toEqual([]);
  });
});
