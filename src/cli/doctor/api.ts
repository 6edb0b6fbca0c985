import axios, { type AxiosResponse, isAxiosError } from 'axios';
import { type AccessToken, bbpsTokenRefused, createPayuAuth, type PayuAuthEvent } from '../../index.ts';
import { isRecord, parseJson } from '../../json.ts';
import { isLoopback } from '../../url.ts';
import { noAnswer, wrongValue } from '../explain.ts';
import { type Finding, mend, note, ok } from '../finding.ts';
import type { Settings } from '../settings.ts';
import { type Flags, refuseQuotes, UsageError } from '../surroundings.ts';
import type { ProxyInForce } from './proxy.ts';

/** What `--api` and `--header` ask for. */
export interface ApiQuestion {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** Headers in which PayU's APIs want the merchant's, or the client's, id. */
const MERCHANT_HEADERS = ['payoutmerchantid', 'pid', 'merchantid', 'mid', 'clientid'];

/** Longer than any of PayU's answers takes; a person waits. */
const TIMEOUT_MS = 10_000;

/** Enough to tell a refusal from an answer. */
const MOST_BYTES = 1_048_576;

/** Reads the options. Names no value of a header, as it may be a secret. */
export function apiQuestion(flags: Flags): ApiQuestion | undefined {
  const { api } = flags;
  const headers = (flags.header ?? []) as readonly string[];
  if (typeof api !== 'string') {
    if (headers.length > 0) throw new UsageError('--header goes with --api URL. See --help.');
    return undefined;
  }
  return { url: readUrl(api), headers: Object.fromEntries(headers.map(readHeader)) };
}

function readUrl(api: string): URL {
  refuseQuotes('--api', api);
  if (!URL.canParse(api)) throw new UsageError('--api must be a URL such as https://host/path.');
  const url = new URL(api);
  const isHttps = url.protocol === 'https:';
  if (!isHttps && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw new UsageError('--api must begin with https://; plain http is for this machine alone.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('--api must not hold a user name or a password: the token goes there.');
  }
  return url;
}

function readHeader(text: string, index: number): readonly [name: string, value: string] {
  refuseQuotes('--header', text);
  const { name, value } =
    /^(?<name>[\w!#$%&'*+.^`|~-]+):[ \t]*(?<value>[\x20-\x7e]+)$/.exec(text.trim())?.groups ?? {};
  if (name === undefined || value === undefined) {
    throw new UsageError(`--header must be "name: value": number ${index + 1} is not like that.`);
  }
  refuseQuotes('--header', value);
  if (name.toLowerCase() === 'authorization') {
    throw new UsageError('--header must not be Authorization: the token goes there.');
  }
  return [name, value];
}

/** The finding of one GET with the token. Prints no header, and of the body only a status number. */
export async function apiFinding(
  question: ApiQuestion,
  token: AccessToken,
  settings: Settings,
  proxy: ProxyInForce | undefined,
): Promise<Finding> {
  const withheld: string[] = [];
  const onEvent = (event: PayuAuthEvent): void => {
    if (event.type === 'token-withheld') withheld.push(event.reason);
  };
  // By the library itself, so that its rules on where a token may go hold here too.
  const auth = createPayuAuth({ ...settings, onEvent });
  try {
    const client = axios.create({ baseURL: question.url.origin });
    auth.attach(client);
    const life = Math.max(1, Math.round((token.expiresAt.getTime() - Date.now()) / 1_000));
    await auth.setToken({ accessToken: token.value, expiresInSeconds: life });
    const response = await client.get(question.url.href, {
      headers: { ...question.headers },
      payuAuth: { replay: false },
      maxRedirects: 0,
      maxContentLength: MOST_BYTES,
      timeout: TIMEOUT_MS,
      validateStatus: () => true,
    });
    return answered(response, question, withheld);
  } catch (error) {
    if (isAxiosError(error)) {
      return noAnswer('api', error, placeOf(question.url), proxy);
    }
    return wrongValue(error);
  } finally {
    await auth.close();
  }
}

function answered(response: AxiosResponse, question: ApiQuestion, withheld: readonly string[]): Finding {
  const place = placeOf(question.url);
  if (withheld.length > 0) {
    return mend(
      'api',
      `${place} was asked without the token, which must not go there (${withheld.join(', ')})`,
      'check the address; behind a proxy, use axios 1.16.1 or later',
    );
  }
  const { status } = response;
  if (status === 401 || bbpsTokenRefused(response)) return refused(response, place);
  if (status === 403) return forbidden(response, question, place);
  if (status === 429)
    return note('api', `${place} answered 429: it asked to wait, and says nothing of the token`);
  if (status >= 500) {
    return mend('api', `${place} answered ${status}: it is out of order at the moment`, 'try again later');
  }
  if (status >= 300 && status < 400) {
    return mend(
      'api',
      `${place} answered ${status}, a redirect, which was not followed`,
      'correct the address',
    );
  }
  if (status >= 400) {
    return note(
      'api',
      `${place} answered ${status}: the token was not refused, but nothing is at this address for a GET`,
    );
  }
  const failure = businessFailure(response.data);
  return failure === undefined
    ? ok('api', `${place} answered ${status}: it takes the token`)
    : note('api', `${place} answered ${status} and takes the token, but its body says "status": ${failure}`);
}

function refused(response: AxiosResponse, place: string): Finding {
  const text = `${response.headers['www-authenticate'] ?? ''} ${textOf(response.data)}`;
  const answer = `${place} answered ${response.status}`;
  return text.includes('insufficient_scope')
    ? mend(
        'api',
        `${answer}: the token has not the scope that this needs`,
        "add it to PAYU_SCOPE; PayU's document of this API names it",
      )
    : mend(
        'api',
        `${answer}: it does not take this token`,
        'check that the address belongs to the environment of the token, and PAYU_SCOPE to this API',
      );
}

/** Never the token's fault alone: PayU answers 403 to a wrong merchant id, and to addresses that it does not know. */
function forbidden(response: AxiosResponse, { headers }: ApiQuestion, place: string): Finding {
  const given = Object.keys(headers).filter((name) => MERCHANT_HEADERS.includes(name.toLowerCase()));
  const merchant =
    given.length === 0
      ? "no merchant id was sent: add --header 'payoutMerchantId: ID' (also pid, merchantId, mid, clientId, by API)"
      : `check that the id in ${given.join(', ')} is the one of these credentials`;
  // Doorkeeper says so with an empty body, and no challenge.
  const scope =
    textOf(response.data).trim() === '' ? '; an empty 403 may also mean a scope that is missing' : '';
  return mend(
    'api',
    `${place} answered 403: not the token, but the merchant id or the address of this machine${scope}`,
    `${merchant}; if that is right, ask PayU whether the address from which this machine goes out is allowed`,
  );
}

/** PayU's APIs say what went wrong inside a 200: 0 is well, and so are the words of some. */
function businessFailure(data: unknown): number | undefined {
  const body = typeof data === 'string' ? parseJson(data) : data;
  const status = isRecord(body) ? body.status : undefined;
  return typeof status === 'number' && status !== 0 ? status : undefined;
}

function textOf(data: unknown): string {
  return typeof data === 'string' ? data : (JSON.stringify(data) ?? '');
}

/** Without the query, which may hold personal data. */
function placeOf({ host, pathname }: URL): string {
  return `${host}${pathname}`;
}
