import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { type Answer, startOrigin } from './support.ts';

test('token endpoint and API behind one socket: the process ends after its last payment, not before', async () => {
  const { url } = await startOrigin((_, response) => {
    response.end('{"access_token":"access_token_1","expires_in":7200}');
  });
  const file = fileURLToPath(new URL('./processes/one-socket.ts', import.meta.url));
  const outcome = await new Promise((resolve) => {
    const child = execFile(process.execPath, ['--import', 'tsx', file, url], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
    onTestFinished(() => void child.kill('SIGKILL'));
  });
  expect(outcome).toEqual({ code: 0, stdout: 'paid 1\npaid 2\npaid 3\n', stderr: '' });
});

test.each([
  [{ maxSockets: 1 }, 1],
  [{ maxSockets: 2 }, 2],
  [{ maxTotalSockets: 2 }, 2],
  [{ maxSockets: 3, maxTotalSockets: 5 }, 3],
])(
  'token requests that nobody waits for fill an agent with %j: the payment behind them is made',
  async (limits, count) => {
    const held: (() => void)[] = [];
    const answer: Answer = ({ url }, response) => {
      const end = () => void response.end('{"access_token":"access_token_1","expires_in":7200}');
      if (url === '/pay') end();
      else held.push(end);
    };
    const { url } = await startOrigin(answer);
    const file = fileURLToPath(new URL('./processes/filled-sockets.ts', import.meta.url));
    const argv = ['--import', 'tsx', file, url, JSON.stringify(limits), String(count)];
    const outcome = await new Promise((resolve) => {
      const child = execFile(process.execPath, argv, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
      // The sockets are filled, and the payment waits for one of them.
      child.stdout?.once('data', () => {
        for (const end of held) end();
      });
      onTestFinished(() => void child.kill('SIGKILL'));
    });
    expect(outcome).toEqual({ code: 0, stdout: 'queued\npaid\n', stderr: '' });
  },
);
