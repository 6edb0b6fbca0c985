import type { Grant, PayuAuthOptions } from '../index.ts';
import { refuseQuotes, type Surroundings, UsageError } from './surroundings.ts';

type Env = Surroundings['env'];

/** What the environment variables say, in the words of `createPayuAuth`. */
export type Settings = Pick<PayuAuthOptions, 'environment' | 'grant'> & { readonly scope: string };

/** Each option, and the variable that a user of the command line has to change for it. */
const VARIABLE_OF: Readonly<Record<string, string>> = {
  environment: 'PAYU_ENVIRONMENT',
  'environment.tokenUrl': 'PAYU_TOKEN_URL',
  scope: 'PAYU_SCOPE',
  grant: 'PAYU_GRANT_TYPE',
  'grant.type': 'PAYU_GRANT_TYPE',
  'grant.grantType': 'PAYU_GRANT_TYPE',
  'grant.clientId': 'PAYU_CLIENT_ID',
  'grant.clientSecret': 'PAYU_CLIENT_SECRET',
  'grant.username': 'PAYU_USERNAME',
  'grant.password': 'PAYU_PASSWORD',
  'grant.refreshToken': 'PAYU_REFRESH_TOKEN',
};

/** Reads the variables. Secrets come from nowhere else: arguments can be read by every user of the machine. */
export function readSettings(env: Env): Settings {
  const environment = readEnvironment(env);
  const unset: string[] = [];
  const needed: Needed = (name, what) => {
    const value = env[name];
    if (!value) unset.push(`${name} is not set: ${what}.`);
    return value ?? '';
  };
  const grant = readGrant(env, needed);
  const scope = needed('PAYU_SCOPE', 'the scopes to ask for');
  if (unset.length > 0) throw new UsageError(`${unset.join(' ')} See --help for all variables.`);
  return { environment, grant, scope };
}

/** The value of a variable. A missing one is noted, and all missing ones are reported together. */
type Needed = (name: string, what: string) => string;

/** The library's message with the variables in place of the options. */
export function inVariables(message: string): string {
  return message
    .replace(/"grant\.parameters\.[^"]+"/g, '"PAYU_GRANT_PARAMETERS"')
    .replace(/"([\w.]+)"/g, (quoted, option: string) =>
      VARIABLE_OF[option] === undefined ? quoted : `"${VARIABLE_OF[option]}"`,
    );
}

function readEnvironment(env: Env): Settings['environment'] {
  const { PAYU_ENVIRONMENT: name, PAYU_TOKEN_URL: tokenUrl } = env;
  if (name && tokenUrl) {
    throw new UsageError('PAYU_ENVIRONMENT and PAYU_TOKEN_URL are both set: unset one of them.');
  }
  if (tokenUrl) return { tokenUrl };
  if (!name) return 'test';
  if (name === 'test' || name === 'production') return name;
  refuseQuotes('PAYU_ENVIRONMENT', name);
  if (name.trim() !== name) {
    throw new UsageError(
      'PAYU_ENVIRONMENT must not begin or end with white space, such as the line end of a Windows file: trim it.',
    );
  }
  throw new UsageError('PAYU_ENVIRONMENT must be "test" or "production", in small letters.');
}

function readGrant(env: Env, needed: Needed): Grant {
  const signs = ['PAYU_GRANT_TYPE', 'PAYU_REFRESH_TOKEN', 'PAYU_USERNAME'].filter((name) => env[name]);
  if (signs.length > 1) {
    throw new UsageError(`${signs.join(' and ')} each stand for another grant: unset all but one.`);
  }
  const client = {
    ...(env.PAYU_CLIENT_ID && { clientId: env.PAYU_CLIENT_ID }),
    ...(env.PAYU_CLIENT_SECRET && { clientSecret: env.PAYU_CLIENT_SECRET }),
  };
  switch (signs[0]) {
    case 'PAYU_GRANT_TYPE':
      return {
        type: 'custom',
        grantType: needed('PAYU_GRANT_TYPE', 'the grant type'),
        ...client,
        ...(env.PAYU_GRANT_PARAMETERS && { parameters: readParameters(env.PAYU_GRANT_PARAMETERS) }),
      };
    case 'PAYU_REFRESH_TOKEN':
      return {
        type: 'refresh_token',
        refreshToken: needed('PAYU_REFRESH_TOKEN', 'the refresh token'),
        ...client,
      };
    case 'PAYU_USERNAME':
      return {
        type: 'password',
        username: needed('PAYU_USERNAME', 'the user'),
        password: needed('PAYU_PASSWORD', 'the password of PAYU_USERNAME'),
        ...client,
      };
    default:
      return {
        type: 'client_credentials',
        clientId: needed('PAYU_CLIENT_ID', 'the client id that PayU gave you'),
        clientSecret: needed('PAYU_CLIENT_SECRET', 'the secret of PAYU_CLIENT_ID'),
      };
  }
}

/** Says by number which pair is wrong: the pair itself may hold a secret. */
function readParameters(text: string): Readonly<Record<string, string>> {
  refuseQuotes('PAYU_GRANT_PARAMETERS', text);
  const pairs = text.split('&').filter((pair) => pair !== '');
  const read = pairs.map((pair) => [...new URLSearchParams(pair)][0] ?? ['', '']);
  const wrong = read.findIndex(([name = '', value]) => value === '' || !/^[^\s"{}]+$/.test(name));
  if (wrong < 0) return Object.fromEntries(read);
  throw new UsageError(
    `PAYU_GRANT_PARAMETERS must be "name=value&name=value": pair ${wrong + 1} of ${pairs.length} is not like that.`,
  );
}
