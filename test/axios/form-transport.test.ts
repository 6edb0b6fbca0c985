import type { InternalAxiosRequestConfig } from 'axios';
import { expect, test } from 'vitest';
import { formTransport } from '../../src/axios/form-transport.ts';

test('what an adapter gets: the form, no redirects, and an "env", which axios 1.12.2 cannot do without', async () => {
  const sent: InternalAxiosRequestConfig[] = [];
  const post = formTransport({
    adapter: async (config) => {
      sent.push(config);
      return { status: 200, statusText: 'OK', headers: { 'X-Request-Id': 7 }, data: { a: 1 }, config };
    },
  });
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope: 'read_bills' });
  const reply = await post('https://accounts.example/oauth/token', form, new AbortController().signal);
  expect(reply).toMatchObject({ kind: 'reply', status: 200, body: '{"a":1}' });
  expect(reply.kind === 'reply' && reply.header('x-request-id')).toBe('7');
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({
    url: 'https://accounts.example/oauth/token',
    data: 'grant_type=client_credentials&scope=read_bills',
    maxRedirects: 0,
    fetchOptions: { redirect: 'manual' },
    env: {},
  });
  expect({ ...sent[0]?.headers }).toMatchObject({
    'Content-Type': 'application/x-www-form-urlencoded',
    Accept: 'application/json',
    'Cache-Control': 'no-cache',
  });
});
