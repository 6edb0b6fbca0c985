/**
 * An API that does as little as a server can, so that the client is what takes the time; and a token endpoint. With the
 * argument `https` it speaks TLS, as PayU does.
 */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { cert, key } from '../support/certificate.ts';

const account = JSON.stringify({ status: 0, msg: null, code: null, data: { payoutMerchantId: 1111123 } });
const token = JSON.stringify({ access_token: 'bench_token', token_type: 'Bearer', expires_in: 3_600 });

const isTls = process.argv[2] === 'https';
const listener: RequestListener = (request, response) => {
  const body = request.url === '/oauth/token' ? token : account;
  const answer = () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  };
  request.resume();
  if (request.method === 'GET') answer();
  else request.once('end', answer);
};
const server = isTls ? createTlsServer({ cert, key }, listener) : createServer(listener);
server.keepAliveTimeout = 0;
server.listen(0, isTls ? 'localhost' : '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ url: isTls ? `https://localhost:${port}` : `http://127.0.0.1:${port}` });
});
process.once('disconnect', () => process.exit());
