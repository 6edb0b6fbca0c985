import { answerApiRequest } from './api/routes.ts';
import type { Fault } from './fault.ts';
import type { Interruption } from './fault-plan.ts';
import { errorBody, errorStatus } from './oauth-errors.ts';
import { rateLimitReply } from './rate-limit.ts';
import { empty, html, json, type Reply, text } from './reply.ts';
import { answerRevokeRequest } from './revoke-endpoint.ts';
import { answerTokenRequest } from './token-endpoint.ts';
import type { Received } from './traffic.ts';
import type { Flight, World } from './world.ts';

/** What the client will see. */
export type Answer =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly delayMs: number }
  /** Head and half the body; then a reset, or silence. */
  | { readonly kind: 'half'; readonly reply: Reply; readonly ending: 'reset' | 'hang' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'garbage' };

/** Takes a request's effect, unless what is planned for it prevents that, and says what the client will see. */
export function answerTo(
  request: Received,
  world: World,
  flight: Flight,
  interruption: Interruption | undefined,
): Answer {
  const process = (): Reply => properReply(request, world, flight);
  switch (interruption?.kind) {
    case undefined:
      return reply(process());
    case 'rate-limit':
      return reply(rateLimitReply(interruption.limit));
    case 'reply':
      return reply(interruption.reply);
    case 'fault':
      return faultyAnswer(interruption.fault, process, world);
  }
}

function properReply(request: Received, world: World, flight: Flight): Reply {
  switch (request.kind) {
    case 'token':
      return answerTokenRequest(request, world, flight);
    case 'revoke':
      return answerRevokeRequest(request, world);
    case 'api':
      return answerApiRequest(request, world);
  }
}

function reply(whole: Reply, delayMs = 0): Answer {
  return { kind: 'reply', reply: whole, delayMs };
}

function faultyAnswer(fault: Fault, process: () => Reply, world: World): Answer {
  if ('processed' in fault && fault.processed === true) process();
  switch (fault.kind) {
    case 'latency':
      return reply(process(), fault.ms);
    case 'hang':
      return { kind: 'hang' };
    case 'reset-before-read':
      return { kind: 'reset' };
    case 'reset-after-read':
      process();
      return { kind: 'reset' };
    case 'reset-in-body':
      return { kind: 'half', reply: process(), ending: 'reset' };
    case 'hang-in-body':
      return { kind: 'half', reply: process(), ending: 'hang' };
    case 'garbage':
      return { kind: 'garbage' };
    case 'truncated-json':
      return reply(truncated(process()));
    case 'status':
      return reply(statusReply(fault.status, fault.body ?? 'json'));
    case 'oauth-error':
      return reply(oauthErrorReply(fault.error, fault.status, world));
    case 'html-200':
      return reply(html(200, 'Sign in'));
    case 'empty-200':
      return reply(empty(200));
    case 'redirect':
      return reply(empty(fault.status ?? 302, { location: fault.location }));
    default:
      fault satisfies never;
      throw new TypeError('unreachable');
  }
}

function oauthErrorReply(error: string, status: number | undefined, world: World): Reply {
  return json(status ?? errorStatus(error, world.settings.statusStyle), errorBody(error));
}

function statusReply(status: number, body: 'json' | 'text' | 'html' | 'none'): Reply {
  switch (body) {
    case 'json':
      return json(status, errorBody('server_error'));
    case 'text':
      return text(status, 'upstream connect error or disconnect/reset before headers');
    case 'html':
      return html(status, `${status} Error`);
    case 'none':
      return empty(status);
  }
}

function truncated(whole: Reply): Reply {
  return { ...whole, body: whole.body.slice(0, Math.floor(whole.body.length / 2)) };
}
