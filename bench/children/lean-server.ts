/** An API that does as little as a server can, so that the client is what takes the time; and a token endpoint. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const account = JSON.stringify({ status: 0, msg: null, code: null, data: { payoutMerchantId: 1111123 } });
const token = JSON.stringify({ access_token: 'bench_token', token_type: 'Bearer', expires_in: 3_600 });

const server = createServer((request, response) => {
  const body = request.url === '/oauth/token' ? token : account;
  const answer = () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  };
  request.resume();
  if (request.method === 'GET') answer();
  else request.once('end', answer);
});
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.once('disconnect', () => process.exit());
