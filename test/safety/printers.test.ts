import { Readable } from 'node:stream';
import { format, inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import type { AxiosError, AxiosResponse } from 'axios';
import { pino, stdSerializers } from 'pino';
import { describe, expect, test } from 'vitest';
import { ADAPTERS, type CanaryWorld, failureOf, SECRETS, startCanaryWorld } from './support/canary-world.ts';
import { findSecrets } from './support/find-secrets.ts';

function logged(fields: object): string {
  const lines: string[] = [];
  const log = pino({ serializers: stdSerializers }, { write: (line: string) => void lines.push(line) });
  log.error(fields);
  expect(lines).toHaveLength(1);
  return lines.join();
}

/** As winston, bunyan, serialize-error and test reporters copy what they log: by own names, or by `for … in`. */
function copied(value: unknown, names: (value: object) => readonly string[], depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > 12) return String(value);
  const copy: Record<string, unknown> = {};
  for (const name of names(value)) {
    copy[name] = copied((value as Record<string, unknown>)[name], names, depth + 1);
  }
  const { message, stack } = value as Partial<Error>;
  return { ...copy, message, stack };
}

const PRINTERS: Readonly<Record<string, (value: unknown) => unknown>> = {
  'JSON.stringify': (value) => JSON.stringify(value),
  'util.inspect': (value) => inspect(value),
  'util.inspect of everything': (value) =>
    inspect(value, { depth: null, maxArrayLength: null, getters: true }),
  'console.error': (value) => format(value),
  // But for `%o`, which prints what is hidden (SECURITY.md).
  'console.error in a sentence': (value) => format('failed: %O %j %s', value, value, value),
  'a template': (value) => `${value}`,
  structuredClone: (value) => structuredClone(value),
  'v8.serialize': (value) => [serialize(value).toString('latin1'), deserialize(serialize(value))],
  'pino, as err': (value) => logged({ err: value }),
  'pino, as err with its causes': (value) => JSON.stringify(stdSerializers.errWithCause(value as Error)),
  'pino, as a field': (value) => logged({ value }),
  "pino, as req and res of axios'": (value) => {
    const { request, response } = value as AxiosError;
    return logged({ req: request, res: response });
  },
  'a copy of its own names': (value) => JSON.stringify(copied(value, Object.keys)),
  'a copy by for … in': (value) =>
    JSON.stringify(
      copied(value, (each) => {
        const names: string[] = [];
        for (const name in each) names.push(name);
        return names;
      }),
    ),
  'a copy with hidden names of an error itself': (value) =>
    JSON.stringify(
      value,
      value instanceof Error ? [...Object.keys(value), 'name', 'message', 'stack'] : null,
    ),
  'Object.entries': (value) =>
    Object.entries(value as object).map(([name, each]) => `${name} ${inspect(each)}`),
  spread: (value) => inspect({ ...(value as object) }, { depth: null }),
};

/** What a caller may hold in its hands, and print. */
const HELD: Readonly<Record<string, (world: CanaryWorld) => Promise<unknown>>> = {
  'a success': ({ client }) => client.get('/payout/merchant/getAccountDetail'),
  'the config of a success': async ({ client }) =>
    ((await client.get('/payout/merchant/getAccountDetail')) as AxiosResponse).config,
  'a permanent 401': ({ client, sandbox }) => {
    for (const nth of [1, 2]) sandbox.fail(nth, { kind: 'status', status: 401 }, { on: 'api' });
    return failureOf(client.get('/payout/merchant/getAccountDetail'));
  },
  'a 500 to a streamed body': ({ client, sandbox }) => {
    sandbox.fail(1, { kind: 'status', status: 500, body: 'json' }, { on: 'api' });
    return failureOf(client.post('/payout/v2/payment', Readable.from([Buffer.from('[]')])));
  },
  'a broken connection': ({ client, sandbox }) => {
    sandbox.fail(1, { kind: 'reset-after-read' }, { on: 'api' });
    return failureOf(client.get('/payout/merchant/getAccountDetail'));
  },
  'a transform that throws': ({ client }) =>
    failureOf(
      client.get('/echo', {
        transformResponse: () => {
          throw new Error('no response today');
        },
      }),
    ),
  'a refusal of the token endpoint': ({ client, sandbox }) => {
    sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_client' });
    return failureOf(client.get('/payout/merchant/getAccountDetail'));
  },
  'an outage of the token endpoint': ({ client, sandbox }) => {
    sandbox.fail(1, { kind: 'status', status: 500, body: 'html' });
    return failureOf(client.get('/payout/merchant/getAccountDetail'));
  },
  'a token': ({ auth }) => auth.getToken(),
  'the auth': async ({ auth, client }) => {
    await client.get('/payout/merchant/getAccountDetail');
    return auth;
  },
  'its status': async ({ auth, client }) => {
    await client.get('/payout/merchant/getAccountDetail');
    return auth.status();
  },
  'the instance': async ({ client }) => {
    await client.get('/payout/merchant/getAccountDetail');
    return client;
  },
  'its events': async ({ events, client }) => {
    await client.get('/payout/merchant/getAccountDetail');
    return events;
  },
};

describe.each(ADAPTERS)('by the %s adapter', (adapter) => {
  describe.each(['client_credentials', 'password'] as const)('with the grant %s', (grant) => {
    test.each(Object.entries(HELD))('no printer shows a secret of %s', async (_, hold) => {
      const world = await startCanaryWorld({ version: 'axios', adapter, grant });
      const held = await hold(world);
      const shown: string[] = [];
      for (const [name, print] of Object.entries(PRINTERS)) {
        let printed: unknown;
        try {
          printed = print(held);
        } catch {
          // What can't be printed shows nothing: functions can't be cloned, circles are no JSON.
          continue;
        }
        shown.push(...findSecrets(printed, SECRETS).map((where) => `${name}: ${where}`));
      }
      expect(shown).toEqual([]);
    });
  });
});

test('and each printer shows a secret that is there to be seen', () => {
  const error = Object.assign(new Error(SECRETS[0]), { response: { data: SECRETS[0] } });
  const silent = Object.entries(PRINTERS)
    .filter(([, print]) => findSecrets(print(error), SECRETS).length === 0)
    .map(([name]) => name);
  // Its serializer takes status and headers alone.
  expect(silent).toEqual(["pino, as req and res of axios'"]);
});
