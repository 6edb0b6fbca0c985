import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startOrigin } from './support.ts';

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
