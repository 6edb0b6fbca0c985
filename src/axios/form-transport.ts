import http from 'node:http';
import https from 'node:https';
import axios, { type AxiosRequestConfig, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { invalidOption } from '../errors.ts';
import { isRecord } from '../json.ts';
import { safeError } from '../redact.ts';
import { systemClock } from '../time/clock.ts';
import { cancellationOf } from '../time/wait.ts';
import { type FormPost, LARGEST_REPLY_BYTES, secretsIn } from '../token/endpoint/form-post.ts';
import { isLoopback, isPlainLoopback } from '../url.ts';
import { isAxiosSince, ownAdapter, resolveAdapter } from './adapter.ts';
import { BROKEN_OFF, peekText } from './bodies/peek.ts';
import { discardBody, isNodeStream } from './bodies/response-body.ts';
import { concealSockets } from './conceal.ts';
import { hostIn, isAgentOfEnvironment, isFetchedByProxy } from './proxy.ts';
import { headerOf } from './refusal.ts';

/** Transport of the token and revocation requests: axios' own options. */
export type TokenHttpOptions = Pick<
  AxiosRequestConfig,
  'adapter' | 'proxy' | 'httpAgent' | 'httpsAgent' | 'family' | 'lookup' | 'socketPath'
>;

/**
 * Sends forms to the accounts server. It calls an adapter directly, so no interceptor, default or bearer token of the
 * user's instances takes part, and nothing can deadlock (A6). The config inherits nothing, as axios before 1.15 would read
 * a polluted `Object.prototype` (G6).
 */
export function formTransport(options: TokenHttpOptions): FormPost {
  // Some package managers install any version. 1.9 to 1.11 work for those who insist.
  if (!isAxiosSince(9, 0)) {
    throw invalidOption(
      'axios',
      `must be of version 1.12 or later; got ${axios.VERSION}. Run: npm i axios@1`,
    );
  }
  return async (url, form, signal, onHead) => {
    if (signal.aborted) throw signal.reason;
    concealSockets({ httpAgent: http.globalAgent, httpsAgent: https.globalAgent });
    const config: InternalAxiosRequestConfig & { transport?: unknown } = Object.assign(Object.create(null), {
      // Axios 1.12.2 needs it, even empty.
      env: {},
      adapter: ['http', 'fetch'],
      // Plain http goes to this machine. The environment's proxy would read the secret (G5).
      ...(isPlainLoopback(url) ? { proxy: false } : {}),
      ...options,
      // A redirect would carry the secret in the body elsewhere. RFC 6749 §3.2 knows no redirects.
      maxRedirects: 0,
      fetchOptions: { redirect: 'manual' },
      transport: quietTransport,
      method: 'post',
      // The fetch adapter copies the config onto an object that inherits, up to axios 1.15.
      baseURL: '',
      allowAbsoluteUrls: true,
      url,
      data: form.toString(),
      headers: new axios.AxiosHeaders({
        'Content-Type': 'application/x-www-form-urlencoded',
        Accept: 'application/json',
        'Cache-Control': 'no-cache',
      }),
      responseType: 'stream',
      validateStatus: () => true,
      signal,
    });
    try {
      const adapter = resolveAdapter(config.adapter, config);
      if (isFetchedByProxy(url, config) && adapter === ownAdapter('fetch', config)) {
        throw new Error(
          'this token request to this machine would be handed by fetch to a proxy in the clear. Name the host in NO_PROXY',
        );
      }
      const response = await (async () => adapter(config))().catch(answerIn);
      // Some adapters return fetch's own Headers.
      const known = { ...response, headers: axios.AxiosHeaders.from(response.headers as never) };
      const header = (name: string) => headerOf(known, name);
      const head = { kind: 'reply', status: response.status, header, body: undefined } as const;
      onHead?.(head);
      return { ...head, body: await readBody(response, signal) };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      // An AxiosError holds the form with the secret, so only its message is passed on.
      return { kind: 'no-reply', error: safeError(error, secretsIn(form, url)) };
    }
  };
}

/**
 * Sends a token request on a socket that does not keep the process alive. If somebody waits for the token, the timer of
 * that wait does. It looks `request` up at each call, as test tools replace it.
 */
const quietTransport = {
  request(
    options: https.RequestOptions,
    callback: (response: http.IncomingMessage) => void,
  ): http.ClientRequest {
    refuseProxyInTheClear(options);
    const { request } = options.protocol === 'https:' ? https : http;
    // Node.js would take it from a polluted prototype (G6).
    const socketPath = Object.hasOwn(options, 'socketPath') ? options.socketPath : undefined;
    const isPlain = options.protocol === 'http:' && isLoopback(hostIn(options));
    // The environment's proxy would read the secret (G5).
    const agent = isPlain && isAgentOfEnvironment(options.agent) ? false : options.agent;
    const sent = request({ ...options, agent, socketPath }, callback);
    // A user's call in the queue of a limited agent might have nothing else to keep the process alive.
    if (agent instanceof http.Agent && Math.min(agent.maxSockets, agent.maxTotalSockets) < Infinity)
      return sent;
    return sent.on('socket', (socket) => {
      socket.unref?.();
      // The agent gives the socket to its next request as it is.
      sent.on('close', () => socket.ref?.());
    });
  },
};

/** Refuses to send the secret to a forward proxy in the clear. Such a request has a whole URL as its path. */
function refuseProxyInTheClear(options: https.RequestOptions): void {
  const asked = String(options.path);
  if (/^https:/i.test(asked)) {
    throw new Error(
      'this token request for https would be handed to the proxy in the clear. Use axios 1.16.1 or later, or an agent that tunnels as "http.httpsAgent" with "http.proxy" false',
    );
  }
  if (isPlainLoopback(asked) && !isLoopback(hostIn(options))) {
    throw new Error(
      'this token request to this machine would be handed to a proxy on another one in the clear. Set "http.proxy" to false',
    );
  }
}

/** The server's answer in an error. Some adapters ignore `validateStatus` and reject. */
function answerIn(error: unknown): AxiosResponse {
  const response = isRecord(error) ? error.response : undefined;
  if (isRecord(response) && typeof response.status === 'number') return response as unknown as AxiosResponse;
  throw error;
}

/** Longer than any token request may take. Whoever posts has a limit of its own. */
const LONGEST_READ_MS = 24 * 60 * 60 * 1_000;

/** The body as text; undefined if it is too large. Adapters that ignore `responseType` return anything. */
async function readBody(response: AxiosResponse, signal: AbortSignal): Promise<string | undefined> {
  const { data } = response;
  if (data == null) return '';
  const cancellation = cancellationOf(signal);
  const bounds = { clock: systemClock, limitMs: LONGEST_READ_MS, cancellation };
  const body = await peekText(response, LARGEST_REPLY_BYTES, bounds);
  // It says why, such as what is wrong with its compression.
  if (isNodeStream(data) && data.errored) throw data.errored;
  if (body === BROKEN_OFF) throw new Error('its answer broke off');
  if (body === undefined) discardBody(response);
  return typeof body === 'object' ? JSON.stringify(body) : (body as string | undefined);
}
