import { Agent } from 'node:http';
import axios from 'axios';
import { createPayuAuth } from '../../../src/index.ts';

/** Three payments behind an agent with one socket, which the token endpoint and the API share. */
const url = process.argv[2] as string;
const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
const auth = createPayuAuth({
  environment: { tokenUrl: `${url}/oauth/token` },
  grant: { type: 'client_credentials', clientId: 'client', clientSecret: 'secret' },
  scope: 'create_payout_transactions',
  http: { httpAgent },
});
const client = axios.create({ baseURL: url, httpAgent });
auth.attach(client);
const payments = [1, 2, 3].map((n) =>
  client.post('/pay', { n }).then(() => process.stdout.write(`paid ${n}\n`)),
);
await Promise.all(payments);
