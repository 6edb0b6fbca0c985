/** Imports axios and the kit in the order of its arguments, and prints how a mocked request by fetch ends. */
const [version = '', first = ''] = process.argv.slice(2);
if (first === 'axios-first') await import(version);
const { mockPayu } = await import('../../../src/testing/index.ts');
const { default: axios } = await import(version);

const url = 'http://127.0.0.1:9/x';
mockPayu({ environment: 'test', apiHosts: ['http://127.0.0.1:9'] })
  .acceptToken('token-1')
  .api('get', url);
const outcome = await axios
  .get(url, { adapter: 'fetch', headers: { Authorization: 'Bearer token-1' } })
  .then((response: { status: number }) => String(response.status))
  .catch((error: Error) => error.message);
process.stdout.write(outcome);

export {};
