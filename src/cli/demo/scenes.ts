import type { Sandbox } from '../../sandbox/index.ts';

/** The figures of a scene: measured, or claimed before. */
export interface Figures {
  readonly calls: number;
  readonly succeeded: number;
  readonly 'token requests': number;
  readonly mints: number;
  readonly '401s': number;
  readonly replays: number;
  readonly waits: number;
}

export interface Scene {
  readonly name: string;
  readonly expected: Figures;
  readonly play: (stage: Stage) => Promise<readonly PromiseSettledResult<unknown>[]>;
}

export interface Stage {
  readonly sandbox: Sandbox;
  readonly say: (text: string) => void;
  readonly call: (index: number) => Promise<unknown>;
  readonly forgetTokens: () => Promise<void>;
}

const CALLS = 50;

const calm = { calls: CALLS, succeeded: CALLS, '401s': 0, replays: 0, waits: 0 };

/** The main job in four scenes. */
export const scenes: readonly Scene[] = [
  {
    name: 'cold burst',
    expected: { ...calm, 'token requests': 1, mints: 1 },
    play: ({ call, say }) => {
      say(`${CALLS} calls at once, and no token yet`);
      return atOnce(call);
    },
  },
  {
    name: 'steady calls',
    expected: { ...calm, 'token requests': 0, mints: 0 },
    play: async ({ call, say }) => {
      say(`${CALLS} calls one after another, with the token that is held`);
      const results: PromiseSettledResult<unknown>[] = [];
      for (let index = 0; index < CALLS; index++) results.push(...(await Promise.allSettled([call(index)])));
      return results;
    },
  },
  {
    name: 'tokens revoked',
    expected: { ...calm, 'token requests': 1, mints: 1, '401s': CALLS, replays: CALLS },
    play: async ({ call, sandbox, say }) => {
      const hold = sandbox.hold('api', undefined, { process: 'after' });
      const results = atOnce(call);
      // Calls that fail before they arrive must not hold up the verdict.
      await Promise.race([hold.waitFor(CALLS), results]);
      say(`${CALLS} calls are on their way: PayU revokes every token now`);
      sandbox.revokeAllTokens();
      hold.release();
      return results;
    },
  },
  {
    name: 'rate limited',
    expected: { ...calm, 'token requests': 2, mints: 1, waits: 1 },
    play: async ({ call, forgetTokens, sandbox, say }) => {
      await forgetTokens();
      sandbox.rateLimit(1, { on: 'token', retryAfter: 2 });
      say(`${CALLS} calls without a token, and the token endpoint says "retry_after": 2`);
      return atOnce(call);
    },
  },
];

function atOnce(call: Stage['call']): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled(Array.from({ length: CALLS }, (_, index) => call(index)));
}
