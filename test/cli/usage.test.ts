import { readFileSync } from 'node:fs';
import nock from 'nock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Env, run } from './support.ts';

// Whatever is sent here is sent by mistake.
beforeEach(() => nock.disableNetConnect());
afterEach(() => nock.enableNetConnect());

const client: Env = { PAYU_CLIENT_ID: 'id', PAYU_CLIENT_SECRET: 'a-secret', PAYU_SCOPE: 'a' };

describe('called wrongly: exit code 2, one line on stderr, nothing sent', () => {
  test.each<[string, readonly string[], Env, string]>([
    ['no command', [], {}, 'Which command? Commands: token, doctor, demo, sandbox. See --help.'],
    [
      'an unknown command',
      ['mint'],
      {},
      'There is no such command. Commands: token, doctor, demo, sandbox. See --help.',
    ],
    [
      'a name that every object has',
      ['toString'],
      {},
      'There is no such command. Commands: token, doctor, demo, sandbox. See --help.',
    ],
    [
      'an unknown option',
      ['token', '--verbose'],
      client,
      'There is no option --verbose. Options: --show-token, --save-refresh-token, --help.',
    ],
    [
      'a value for a flag',
      ['token', '--show-token=canary-value'],
      client,
      '--show-token was given without the value it needs, or with one it does not take. Options: --show-token, --save-refresh-token, --help.',
    ],
    [
      'an option without its value',
      ['token', '--save-refresh-token'],
      client,
      '--save-refresh-token was given without the value it needs, or with one it does not take. Options: --show-token, --save-refresh-token, --help.',
    ],
    [
      'an argument too many, which may be a secret',
      ['token', 'canary-value'],
      client,
      'There is an argument too many; secrets belong into the environment. Options: --show-token, --save-refresh-token, --help.',
    ],
    [
      'a secret as an option',
      ['token', '--client-secret=canary-value'],
      client,
      'There is no option --client-secret. Options: --show-token, --save-refresh-token, --help.',
    ],
    [
      'an option of a command that has none',
      ['demo', '--fast'],
      {},
      'There is no option --fast. Options: --help.',
    ],
    [
      'no client id',
      ['token'],
      { ...client, PAYU_CLIENT_ID: '' },
      'PAYU_CLIENT_ID is not set: the client id that PayU gave you. See --help for all variables.',
    ],
    [
      'no secret',
      ['doctor'],
      { ...client, PAYU_CLIENT_SECRET: undefined },
      'PAYU_CLIENT_SECRET is not set: the secret of PAYU_CLIENT_ID. See --help for all variables.',
    ],
    [
      'no scope',
      ['doctor'],
      { ...client, PAYU_SCOPE: undefined },
      'PAYU_SCOPE is not set: the scopes to ask for. See --help for all variables.',
    ],
    [
      'nothing at all: all that is missing, at once',
      ['token'],
      {},
      'PAYU_CLIENT_ID is not set: the client id that PayU gave you. PAYU_CLIENT_SECRET is not set: the secret of PAYU_CLIENT_ID. PAYU_SCOPE is not set: the scopes to ask for. See --help for all variables.',
    ],
    ...[
      ['JSON', '{"pin":"canary-value"}', 'pair 1 of 1'],
      ['a name alone', 'mid=1&canary-value', 'pair 2 of 2'],
      ['an empty value', 'pin=', 'pair 1 of 1'],
      ['a name with a quotation mark', 'a%22canary-value=1', 'pair 1 of 1'],
    ].map(([title, parameters, which]): [string, string[], Record<string, string | undefined>, string] => [
      `grant parameters that are ${title}`,
      ['token'],
      { ...client, PAYU_GRANT_TYPE: 'otp', PAYU_GRANT_PARAMETERS: parameters },
      `PAYU_GRANT_PARAMETERS must be "name=value&name=value": ${which} is not like that.`,
    ]),
    [
      'no password',
      ['token'],
      { ...client, PAYU_USERNAME: 'me' },
      'PAYU_PASSWORD is not set: the password of PAYU_USERNAME. See --help for all variables.',
    ],
    [
      'an unknown environment',
      ['token'],
      { ...client, PAYU_ENVIRONMENT: 'live' },
      'PAYU_ENVIRONMENT must be "test" or "production", in small letters.',
    ],
    ...['test\r', ' test'].map((value): [string, string[], Env, string] => [
      `the environment ${JSON.stringify(value)}`,
      ['token'],
      { ...client, PAYU_ENVIRONMENT: value },
      'PAYU_ENVIRONMENT must not begin or end with white space, such as the line end of a Windows file: trim it.',
    ]),
    [
      'an environment in quotes',
      ['token'],
      { ...client, PAYU_ENVIRONMENT: '"test"' },
      'PAYU_ENVIRONMENT must not begin and end with a quotation mark: leave the marks out.',
    ],
    [
      'grant parameters in quotes',
      ['token'],
      { ...client, PAYU_GRANT_TYPE: 'otp', PAYU_GRANT_PARAMETERS: '"otp=canary-value"' },
      'PAYU_GRANT_PARAMETERS must not begin and end with a quotation mark: leave the marks out.',
    ],
    [
      'two addresses',
      ['token'],
      { ...client, PAYU_ENVIRONMENT: 'test', PAYU_TOKEN_URL: 'https://a.example' },
      'PAYU_ENVIRONMENT and PAYU_TOKEN_URL are both set: unset one of them.',
    ],
    [
      'two grants',
      ['doctor'],
      { ...client, PAYU_USERNAME: 'me', PAYU_REFRESH_TOKEN: 'canary-value' },
      'PAYU_REFRESH_TOKEN and PAYU_USERNAME each stand for another grant: unset all but one.',
    ],
    ['no number', ['sandbox', '--port', 'http'], {}, '--port must be a whole number, 0 or more.'],
    [
      'no port',
      ['sandbox', '--port', '65536'],
      {},
      '"--port" must be a whole number, at least 0 and at most 65535',
    ],
    [
      'no such style',
      ['sandbox', '--status-style', 'rails'],
      {},
      '"--status-style" must be one of "documented", "doorkeeper-5.0", "doorkeeper-5.1", "doorkeeper-5.5"',
    ],
    [
      'no such rotation',
      ['sandbox', '--refresh-rotation', 'x'],
      {},
      '"--refresh-rotation" must be one of "previous", "immediate", "none"',
    ],
    [
      'no life',
      ['sandbox', '--token-life', '-1'],
      {},
      '--token-life was given without the value it needs, or with one it does not take. Options: --port, --token-life, --reuse-tokens, --revoke-previous, --refresh-rotation, --status-style, --seed, --json, --help.',
    ],
  ])('%s', async (_title, args, env, line) => {
    expect(await run(args, env)).toEqual({ code: 2, out: [], err: [line] });
  });
});

describe('help', () => {
  test.each([
    [['--help'], /^Usage: axios-payu-auth <command>/],
    [['-h'], /^Usage: axios-payu-auth <command>/],
    [['token', '--help'], /^Usage: axios-payu-auth token/],
    [['help'], /^Usage: axios-payu-auth <command>/],
    [['help', 'token'], /^Usage: axios-payu-auth token/],
    [['doctor', '-h'], /^Usage: axios-payu-auth doctor/],
    [['sandbox', '--help'], /^Usage: axios-payu-auth sandbox/],
  ])('%j is asked for, not printed as an error, and documents the exit codes', async (args, text) => {
    const { code, out, err } = await run(args);
    expect({ code, err }).toEqual({ code: 0, err: [] });
    expect(out.join('\n')).toMatch(text);
    expect(out.join('\n')).toMatch(/\nExit codes: 0 .* · 1 .* · 2 called wrongly/);
  });

  test.each([[['--help']], [['token', '--help']], [['doctor', '--help']]])(
    '%j names each variable',
    async (args) => {
      const help = (await run(args)).out.join();
      const file = new URL('../../src/cli/settings.ts', import.meta.url);
      const variables = new Set(readFileSync(file, 'utf8').match(/\bPAYU_[A-Z_]+/g));
      expect(variables.size).toBeGreaterThan(8);
      expect([...variables].filter((name) => !help.includes(name))).toEqual([]);
    },
  );

  test.each(['token', 'doctor', 'sandbox'])(
    '%s --help names each option that the command takes',
    async (command) => {
      const { err } = await run([command, '--no-such-option'], client);
      const options = err.join().match(/--(?!no-such|help)[a-z-]+/g) ?? [];
      const help = (await run([command, '--help'])).out.join();
      expect(options.length).toBeGreaterThan(1);
      expect(options.filter((option) => !help.includes(`  ${option}`))).toEqual([]);
    },
  );

  test('--version is that of the package', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect((await run(['--version'])).out).toEqual([manifest.version]);
  });
});
