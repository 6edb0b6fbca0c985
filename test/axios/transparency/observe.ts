import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { AxiosInstance, AxiosResponse, AxiosStatic } from 'axios';
import { type Arrival, json, type Origin } from '../support.ts';
import type { Probe, Scenario } from './scenarios.ts';

/** All that a caller and the server see of a call, in one flat list of fields. */
export type Observation = Readonly<Record<string, unknown>>;

/** What a server does, by the path. */
export function answer({ url, method }: Arrival, response: ServerResponse): void {
  const [, first = '', second = ''] = url.split(/[/?]/);
  const text = { 'content-type': 'text/plain' };
  switch (first) {
    case 'redirect':
      return void response.writeHead(Number(second), { location: '/200/json' }).end();
    case 'redirect-to':
      return void response.writeHead(302, { location: decodeURIComponent(second) }).end();
    case 'redirect-forever':
      return void response.writeHead(302, { location: url }).end();
    case 'reset':
      return void response.destroy();
    case 'hold':
      return;
    case 'hold-body':
      return void response.writeHead(200, text).write('first ');
    case 'cut-off':
      response.writeHead(200, { 'content-length': 100 });
      return void response.write('{"a":', () => response.destroy());
    case 'not-json':
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":');
    case 'not-gzip':
      return void response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip');
  }
  const status = Number(first);
  response.setHeader('x-method', method);
  switch (second) {
    case 'json':
      return void json(response, status, { status, of: method });
    case 'none':
      return void response.writeHead(status).end();
    case 'hold-body':
      return void response.writeHead(status, text).write('first ');
    case 'bytes':
      response.writeHead(status, { 'content-type': 'application/octet-stream' });
      return void response.end(Buffer.from([0, 255]));
    case 'large':
      response.writeHead(status, { ...text, 'content-length': 300_000 });
      return void response.end('x'.repeat(300_000));
    case 'gzip':
      response.writeHead(status, { ...text, 'content-encoding': 'gzip' });
      return void response.end(gzipSync('some text'));
    case 'chunked':
      response.writeHead(status, text).write('first ');
      return void response.end('some text');
    default:
      return void response.writeHead(status, text).end('some text');
  }
}

/** What the parts of one observation share. */
export interface Surroundings {
  readonly axios: AxiosStatic;
  readonly server: Origin;
  readonly proxy: Origin;
  /** Called by the server with each arrival. */
  readonly arrivalListeners: Set<() => void>;
  readonly timeoutMs: number;
}

export async function observe(
  client: AxiosInstance,
  scenario: Scenario,
  surroundings: Surroundings,
): Promise<Observation> {
  const { axios, server, proxy, arrivalListeners, timeoutMs } = surroundings;
  const seen: Record<string, unknown> = {};
  const before = { server: server.arrivals.length, proxy: proxy.arrivals.length };
  const firstChunkListeners: (() => void)[] = [];
  const probe: Probe = {
    axios,
    proxyUrl: proxy.url,
    timeoutMs,
    note(field, value) {
      seen[field] = value;
    },
    onArrival: (listener) => void arrivalListeners.add(listener),
    onFirstChunk: (listener) => void firstChunkListeners.push(listener),
  };
  scenario.prepare?.(client);
  const outcome = await client.request(scenario.config(probe)).then(
    (response) => ({ response, error: undefined }),
    (error: unknown) => ({ response: undefined, error }),
  );
  arrivalListeners.clear();
  noteOutcome(outcome.error, axios, seen);
  const response =
    outcome.response ?? (axios.isAxiosError(outcome.error) ? outcome.error.response : undefined);
  if (response !== undefined) await noteResponse(response, firstChunkListeners, seen);
  noteConfig(
    response?.config ?? (axios.isAxiosError(outcome.error) ? outcome.error.config : undefined),
    seen,
  );
  // Events of progress come a turn later.
  for (let n = 0; n < 3; n++) await turn();
  seen['proxy.asked'] = proxy.arrivals.length - before.proxy;
  for (const [n, { method, url, headers, body }] of server.arrivals.slice(before.server).entries()) {
    seen[`server.${n}.method`] = method;
    seen[`server.${n}.url`] = url;
    for (const [name, value] of Object.entries(headers)) seen[`server.${n}.headers.${name}`] = value;
    seen[`server.${n}.body`] = body.toString('latin1');
  }
  return seen;
}

function noteOutcome(error: unknown, axios: AxiosStatic, seen: Record<string, unknown>): void {
  seen['outcome.kind'] = error === undefined ? 'response' : 'error';
  seen['outcome.isCancel'] = axios.isCancel(error);
  if (!axios.isAxiosError(error)) {
    if (error !== undefined) seen['error.other'] = String(error);
    return;
  }
  for (const name of ['name', 'message', 'code', 'status'] as const) seen[`error.${name}`] = error[name];
  seen['error.class'] = error instanceof axios.AxiosError;
  seen['error.cause'] = (error.cause as Error | undefined)?.message;
  seen['error.hasRequest'] = error.request !== undefined;
  for (const key of Object.keys(error)) seen[`outcome.keys.${key}`] = true;
  for (const key of Object.keys(error.toJSON())) seen[`error.json.${key}`] = true;
}

function noteConfig(config: AxiosResponse['config'] | undefined, seen: Record<string, unknown>): void {
  if (config === undefined) return;
  seen['config.prototype'] = Object.getPrototypeOf(config) === null;
  seen['config.keys'] = Object.keys(config).sort();
  seen['config.adapter'] = typeof config.adapter === 'function' ? 'a function' : config.adapter;
  seen['config.proxy'] = config.proxy;
  seen['config.data'] = Object.prototype.toString.call(config.data);
  for (const [name, value] of Object.entries(config.headers)) {
    seen[`config.headers.${name.toLowerCase()}`] = value;
  }
}

async function noteResponse(
  response: AxiosResponse,
  firstChunkListeners: readonly (() => void)[],
  seen: Record<string, unknown>,
): Promise<void> {
  for (const key of Object.keys(response)) seen[`response.keys.${key}`] = true;
  seen['response.status'] = response.status;
  seen['response.statusText'] = response.statusText;
  const { date: _, ...headers } = { ...response.headers };
  seen['response.headers'] = headers;
  const { data } = response;
  if (data instanceof Readable) {
    const { statusCode, statusMessage, req } = data as unknown as Record<string, unknown>;
    seen['stream.message'] = { statusCode, statusMessage };
    seen['stream.leadsToRequest'] = req !== undefined;
    seen['stream.events'] = await eventsOf(data, firstChunkListeners);
  }
  seen['response.data'] = await contentOf(data, firstChunkListeners);
}

/** What a stream tells, in its order; how many chunks there are is the network's. */
async function eventsOf(stream: Readable, firstChunkListeners: readonly (() => void)[]): Promise<unknown> {
  const events: string[] = [];
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      if (chunks.push(chunk) === 1) events.push('data');
      for (const listener of firstChunkListeners) listener();
    });
    stream.on('end', () => events.push('end'));
    stream.on('error', (error: NodeJS.ErrnoException) => {
      events.push(`error ${error.name} ${error.code} ${error.message}`);
    });
    stream.on('close', () => {
      events.push('close');
      resolve();
    });
  });
  return { events, content: Buffer.concat(chunks).toString('latin1') };
}

async function contentOf(data: unknown, firstChunkListeners: readonly (() => void)[]): Promise<unknown> {
  if (data instanceof Readable) return '(a stream)';
  if (typeof (data as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator] !== 'function') {
    return Buffer.isBuffer(data) || data instanceof ArrayBuffer
      ? Buffer.from(data as ArrayBuffer).toString('latin1')
      : data;
  }
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of data as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      for (const listener of firstChunkListeners) listener();
    }
  } catch (error) {
    const { name, code, message } = error as NodeJS.ErrnoException;
    return `${Buffer.concat(chunks).toString('latin1')}, then ${name} ${code} ${message}`;
  }
  return Buffer.concat(chunks).toString('latin1');
}
