/**
 * Run as a process of its own by the test of closing: unless a handle is left, it ends by itself. The
 * client is a bare socket, since a pool of fetch would keep timers of its own.
 */
import { connect } from 'node:net';
import { startSandbox } from '../../src/sandbox/index.ts';

const sandbox = await startSandbox();
sandbox.fail(1, { kind: 'latency', ms: 2 ** 31 - 1 });
sandbox.fail(1, { kind: 'hang' }, { on: 'revoke' });
const hold = sandbox.hold('api');
const type = 'Content-Type: application/x-www-form-urlencoded';
for (const path of ['/oauth/token', '/oauth/revoke', '/echo']) {
  const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`POST ${path} HTTP/1.1\r\nHost: sandbox\r\n${type}\r\nContent-Length: 0\r\n\r\n`);
}
await hold.waitFor(1);
// A grant is counted when the request is processed: from then on its delay runs.
await sandbox.until(({ faults, tokenRequestsByGrant }) => faults === 2 && tokenRequestsByGrant[''] === 1);
await sandbox.close();
process.stdout.write('closed\n');
