import { Agent, type AgentOptions } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import axios from 'axios';
import { createPayuAuth } from '../../../src/index.ts';

/** Token requests that nobody waits for fill all sockets of an agent, and a payment queues behind them. */
const [url = '', limits = '', count = ''] = process.argv.slice(2);
const httpAgent = new Agent({ keepAlive: true, ...(JSON.parse(limits) as AgentOptions) });
const auth = createPayuAuth({
  environment: { tokenUrl: `${url}/oauth/token` },
  grant: { type: 'client_credentials', clientId: 'client', clientSecret: 'secret' },
  scope: 'create_payout_transactions',
  http: { httpAgent },
});
const leaving = new AbortController();
for (let n = 0; n < Number(count); n++) {
  auth.getToken({ scope: `scope_${n}`, signal: leaving.signal }).catch(() => {});
}
const isFilled = () =>
  Object.values(httpAgent.sockets)
    .flat()
    .filter((socket) => socket?.readyState === 'open').length === Number(count);
while (!isFilled()) await turn();
await turn();
leaving.abort();
const client = axios.create({ baseURL: url, httpAgent });
auth.attach(client);
const payment = client.post('/pay', {}, { payuAuth: false }).then(() => process.stdout.write('paid\n'));
await turn();
process.stdout.write('queued\n');
await payment;
