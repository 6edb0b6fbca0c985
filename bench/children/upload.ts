/** The most memory that this process has taken for an upload of 200 MB from a file. Prints JSON. */
import { createReadStream, openAsBlob } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axios from 'axios';
import { createPayuAuth } from 'axios-payu-auth';
import { startServer } from '../support/children.ts';
import { targetWithoutIo } from '../support/target.ts';

const MEGABYTE = 1_024 * 1_024;
const MEGABYTES = 200;

const [, , body, through] = process.argv;
const { tokenUrl, clientId, clientSecret, scope, tokenTransport } = targetWithoutIo;

async function writeFile(path: string): Promise<void> {
  const file = await open(path, 'w');
  for (let i = 0; i < MEGABYTES; i++) await file.write(Buffer.alloc(MEGABYTE, i));
  await file.close();
}

async function bodyOf(path: string): Promise<unknown> {
  if (body === 'stream') return createReadStream(path);
  const form = new FormData();
  form.append('file', await openAsBlob(path), 'payouts.csv');
  return form;
}

const folder = await mkdtemp(join(tmpdir(), 'upload-'));
const server = await startServer<{ url: string }>('lean-server.ts');
try {
  const path = join(folder, 'payouts.csv');
  await writeFile(path);
  const client = axios.create({ baseURL: server.ready.url, maxRedirects: 0 });
  const auth = createPayuAuth({
    environment: { tokenUrl },
    grant: { type: 'client_credentials', clientId, clientSecret },
    scope,
    http: tokenTransport,
  });
  if (through === 'attached') auth.attach(client);
  await client.post('/upload', await bodyOf(path), { maxBodyLength: Number.POSITIVE_INFINITY });
  await auth.close();
  console.log(JSON.stringify({ megabytes: process.resourceUsage().maxRSS / 1_024 }));
} finally {
  await server.stop();
  await rm(folder, { recursive: true });
}
