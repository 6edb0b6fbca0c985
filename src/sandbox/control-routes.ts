import { rateLimitKeys, type SandboxControls, targetKeys } from './controls.ts';
import { movePaymentKeys } from './payment-controls.ts';
import { json, type Reply } from './reply.ts';
import type { SandboxRequest } from './traffic.ts';
import { check, invalid } from './validate.ts';

type Body = Readonly<Record<string, unknown>>;
type Control = (body: Body, controls: SandboxControls) => unknown;

const done = { ok: true };

/** For arguments that came as JSON: the controls check at run time what types cannot promise here. */
function unchecked<T>(value: unknown): T {
  return value as T;
}

/**
 * The controls over HTTP, below `/_sandbox`, for tests in other languages. Bodies are JSON and
 * their properties have the names of the arguments; `controls` checks the values.
 */
const routes: Readonly<Record<string, Control>> = {
  'GET /_sandbox': (_body, _controls) => ({ routes: Object.keys(routes) }),
  'GET /_sandbox/stats': (_body, controls) => controls.stats(),
  'GET /_sandbox/requests': (_body, controls) => controls.requests().map(withoutSecrets),
  'POST /_sandbox/reset': (body, controls) => {
    check.keys('body', body, []);
    controls.clearFaults();
    controls.resetStats();
    return done;
  },
  'POST /_sandbox/revoke-all': (body, controls) => {
    check.keys('body', body, ['keep']);
    controls.revokeAllTokens(unchecked(body));
    return done;
  },
  'POST /_sandbox/expire-all': (body, controls) => {
    check.keys('body', body, []);
    controls.expireAllTokens();
    return done;
  },
  'POST /_sandbox/token-life': (body, controls) => {
    check.keys('body', body, ['seconds']);
    controls.setTokenLife(unchecked(body.seconds));
    return done;
  },
  'POST /_sandbox/reply-shape': (body, controls) => {
    check.keys('body', body, ['shape']);
    if (!('shape' in body))
      throw invalid('shape', 'must be given: one of the reply shapes, or a list of them');
    controls.setReplyShape(unchecked(body.shape));
    return done;
  },
  'POST /_sandbox/rate-limit': (body, controls) => {
    check.keys('body', body, ['count', ...rateLimitKeys]);
    const { count, ...options } = body;
    controls.rateLimit(unchecked(count), unchecked(options));
    return done;
  },
  'POST /_sandbox/fail': (body, controls) => {
    check.keys('body', body, ['count', 'share', 'fault', ...targetKeys]);
    const { count, share, fault, ...options } = body;
    const what = share === undefined ? count : { share };
    controls.fail(unchecked(what), unchecked(fault), unchecked(options));
    return done;
  },
  'POST /_sandbox/reply-next': (body, controls) => {
    check.keys('body', body, [...targetKeys, 'status', 'headers', 'body']);
    const { on, path, ...reply } = body;
    const target = { ...(on !== undefined && { on }), ...(path !== undefined && { path }) };
    controls.replyNext(unchecked(reply), unchecked(target));
    return done;
  },
  'GET /_sandbox/payments': (_body, controls) => controls.payments(),
  'POST /_sandbox/move-payment': (body, controls) => {
    check.keys('body', body, ['merchantRefId', 'txnStatus', ...movePaymentKeys]);
    const { merchantRefId, txnStatus, ...options } = body;
    controls.movePayment(unchecked(merchantRefId), unchecked(txnStatus), unchecked(options));
    return done;
  },
  'POST /_sandbox/payment-course': (body, controls) => {
    check.keys('body', body, ['course']);
    controls.setPaymentCourse(unchecked(body.course));
    return done;
  },
  'POST /_sandbox/clear-faults': (body, controls) => {
    check.keys('body', body, []);
    controls.clearFaults();
    return done;
  },
};

export function isControl(pathname: string): boolean {
  return pathname === '/_sandbox' || pathname.startsWith('/_sandbox/');
}

export function answerControl(
  method: string,
  pathname: string,
  rawBody: string,
  controls: SandboxControls,
): Reply {
  const name = `${method} ${pathname}`;
  const control = routes[name];
  if (control === undefined) {
    return json(404, { error: 'unknown_control', error_description: `"${name}" is not a control` });
  }
  try {
    return json(200, control(parsed(rawBody), controls));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return json(400, { error: 'invalid_control', error_description: error.message });
  }
}

function parsed(rawBody: string): Body {
  if (rawBody === '') return {};
  try {
    return check.object('body', JSON.parse(rawBody));
  } catch (error) {
    throw error instanceof SyntaxError ? new TypeError('"body" must be JSON') : error;
  }
}

/** Anyone on the machine can read this; what it shows must be fit for a log. */
function withoutSecrets({
  kind,
  method,
  path,
  headers,
  rawBody,
  token,
  status,
  at,
}: SandboxRequest): unknown {
  return {
    kind,
    method,
    path: path.split('?')[0],
    headerNames: Object.keys(headers),
    bodyBytes: rawBody.length,
    hasToken: token !== undefined,
    status: status ?? null,
    at,
  };
}
