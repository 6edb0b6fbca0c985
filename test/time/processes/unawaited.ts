/** Leaves waits behind that nobody awaits, prints what it met, and has nothing else to do. */
import { type Client, clientFor, places } from './client.ts';

const at = places();
const account = ({ payouts }: Client, signal?: AbortSignal) =>
  payouts.get('/merchant/getAccountDetail', signal === undefined ? {} : { signal });
const codeOf = (error: { code?: string }) => error.code ?? 'none';

/** Uses a token that is due, so that a renewal begins in the background. */
async function renewAhead(client: Client): Promise<number> {
  await client.auth.setToken({ accessToken: 'due', expiresInSeconds: 1_000 });
  client.skip(950_000);
  const { status } = await client.payouts.get('/merchant/getAccountDetail', {
    validateStatus: null,
    payuAuth: { replay: false },
  });
  return status;
}

/** Aborts a call once its wait has begun. */
async function abortWhile(client: Client, isWaiting: Promise<unknown>): Promise<string> {
  const controller = new AbortController();
  const call = account(client, controller.signal).then(() => 'none', codeOf);
  await isWaiting;
  controller.abort();
  return call;
}

/** Resolves with the first event of that type. */
function clientWithEvent(scenario: string): { client: Client; isWaiting: Promise<void> } {
  let begin = () => {};
  const isWaiting = new Promise<void>((resolve) => {
    begin = resolve;
  });
  return {
    client: clientFor(at[scenario], { onEvent: ({ type }) => type === 'rate-limited' && begin() }),
    isWaiting,
  };
}

const tokenCoolDown = clientWithEvent('an abort in a cool-down');
const apiLimit = clientWithEvent('an abort in a rate limit of the API');
const outcomes = {
  'a renewal that hangs': await renewAhead(clientFor(at['a renewal that hangs'])),
  'a renewal that is limited': await renewAhead(clientFor(at['a renewal that is limited'])),
  'a pause': await account(clientFor(at['a pause'], { tokenAttempts: 1 })).then(() => 'none', codeOf),
  'a cool-down that was given up': await account(
    clientFor(at['a cool-down that was given up'], { maxWaitMs: 1_000 }),
  ).then(() => 'none', codeOf),
  'an abort in a cool-down': await abortWhile(tokenCoolDown.client, tokenCoolDown.isWaiting),
  'an abort in a rate limit of the API': await abortWhile(apiLimit.client, apiLimit.isWaiting),
};
const timers = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout');
process.stdout.write(`${JSON.stringify({ outcomes, timers })}\n`);
