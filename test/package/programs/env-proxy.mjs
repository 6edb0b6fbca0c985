// Node.js may hand requests to the environment's proxy by itself: what is for this machine must not get there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';

if (process.env.NODE_USE_ENV_PROXY === undefined) {
  const asked = [];
  const proxy = createServer((request, response) => {
    request.on('data', (chunk) => asked.push(String(chunk))).on('end', () => response.writeHead(502).end());
    asked.push(...request.rawHeaders);
  });
  // As proxies do that tunnel to any port: what is plain can be read in there.
  proxy.on('connect', (_, socket) => {
    socket.on('error', () => {}).write('HTTP/1.1 200 OK\r\n\r\n');
    socket.on('data', (chunk) => {
      asked.push(String(chunk));
      socket.end();
    });
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${proxy.address().port}`;
  const env = { ...process.env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: url, NODE_NO_WARNINGS: '1' };
  const child = spawn(process.execPath, [process.argv[1]], { env, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  assert.doesNotMatch(asked.join('\n'), /the_secret|Bearer/);
  proxy.closeAllConnections();
  proxy.close();
  process.stdout.write('well\n');
} else {
  const { default: axios } = await import('axios');
  const { createPayuAuth } = await import('axios-payu-auth');
  const { startSandbox } = await import('axios-payu-auth/sandbox');
  const clientSecret = 'the_secret_of_this_machine';
  const sandbox = await startSandbox({ clients: [{ clientId: 'client', clientSecret }] });
  const grant = { type: 'client_credentials', clientId: 'client', clientSecret };
  const scope = 'create_payout_transactions';
  const { environment, url } = sandbox;
  const tokens = await Promise.all(
    ['http', 'fetch'].map(async (adapter) => {
      const auth = createPayuAuth({ environment, grant, scope, tokenAttempts: 1, http: { adapter } });
      const held = await auth.getToken().catch(() => undefined);
      return [auth, held];
    }),
  );
  assert.notEqual(tokens[0][1], undefined);
  // With tokens in hand, by each way: an answer, or a call without its token.
  await tokens[1][0].setToken({ accessToken: tokens[0][1].value });
  for (const [auth] of tokens) {
    for (const adapter of ['http', 'fetch']) {
      const payouts = axios.create({ baseURL: `${url}/payout`, adapter });
      const detach = auth.attach(payouts);
      const call = payouts.get('/merchant/getAccountDetail');
      if (adapter === 'http') assert.equal((await call).status, 200);
      else await call.catch(() => {});
      detach();
    }
    await auth.close();
  }
  await sandbox.close();
}
