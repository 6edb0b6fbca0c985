import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';
import type { Reply } from './reply.ts';

/**
 * Sends an answer. `answered` is called with the status before a byte is on its way, so that
 * a client that has the response also finds it in the log and the counters.
 */
export function deliver(
  answer: Answer,
  res: ServerResponse,
  now: () => number,
  answered: (status: number | undefined) => void,
): void {
  if (res.destroyed) return;
  switch (answer.kind) {
    case 'hang':
      return;
    case 'reset':
      answered(undefined);
      reset(res.req);
      return;
    case 'garbage':
      answered(undefined);
      res.socket?.end('this is not HTTP\r\n\r\n');
      return;
    case 'half':
      answered(answer.reply.status);
      date(res, now);
      sendHalf(answer.reply, res, answer.ending);
      return;
    case 'reply':
      later(answer.delayMs, res, () => {
        answered(answer.reply.status);
        date(res, now);
        send(answer.reply, res);
      });
      return;
  }
}

/** A reset, and no orderly end: the client sees ECONNRESET. */
export function reset(req: IncomingMessage): void {
  req.socket.resetAndDestroy();
}

function later(delayMs: number, res: ServerResponse, go: () => void): void {
  if (delayMs === 0) {
    go();
    return;
  }
  const timer = setTimeout(go, delayMs);
  res.once('close', () => clearTimeout(timer));
}

function send(reply: Reply, res: ServerResponse): void {
  res.writeHead(reply.status, { ...reply.headers, ...lengthOf(reply) });
  res.end(reply.body);
}

/** The sandbox's clock, in place of the machine's; a `Date` in the reply's own headers wins. */
function date(res: ServerResponse, now: () => number): void {
  res.setHeader('Date', new Date(now()).toUTCString());
}

function lengthOf(reply: Reply): { readonly 'content-length'?: number } {
  const bodiless = reply.status === 204 || reply.status === 304;
  return bodiless ? {} : { 'content-length': Buffer.byteLength(reply.body) };
}

function sendHalf(reply: Reply, res: ServerResponse, ending: 'reset' | 'hang'): void {
  const whole = Buffer.from(reply.body);
  // An empty body has no half: one byte is promised that never comes.
  const length = Math.max(1, whole.length);
  res.writeHead(reply.status, { ...reply.headers, 'content-length': length });
  res.flushHeaders();
  // Only what the system has taken over can arrive before a reset.
  res.write(whole.subarray(0, Math.floor(whole.length / 2)), () => {
    if (ending === 'reset') reset(res.req);
  });
}
