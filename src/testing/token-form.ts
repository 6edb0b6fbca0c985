/** Reads what the client sent to the token or the revocation endpoint. */
export interface FormRequest {
  readonly contentType: string;
  readonly authorization: string | undefined;
  readonly search: string;
  readonly body: string;
}

const needs: Readonly<Record<string, readonly string[]>> = {
  client_credentials: ['client_id', 'client_secret'],
  password: ['client_id', 'username', 'password'],
  refresh_token: ['refresh_token'],
};

/** PayU's documentation: the clients of the password grant, one for all merchants of an environment. */
const publicClients = new Set([
  '6f8bb4951e030d4d7349e64a144a534778673585f86039617c167166e9154f7e',
  'ccbb70745faad9c06092bb5c79bfd919b6f45fd454f34619d83920893e90ae6b',
]);

/** The rules of PayU's token endpoint that a request breaks, in words; empty if there are none. */
export function tokenFormProblems(request: FormRequest): string[] {
  const form = new URLSearchParams(request.body);
  const problems = formProblems(request, form);
  if (!isForm(request)) return problems;
  const grantType = form.get('grant_type');
  if (grantType === null) problems.push('"grant_type" is missing');
  for (const name of needs[grantType ?? ''] ?? []) {
    if (!form.has(name)) problems.push(`"${name}" is missing: the grant "${grantType}" needs it`);
  }
  if (publicClients.has(form.get('client_id') ?? '') && form.has('client_secret')) {
    problems.push(`"client_secret" must be left out: "client_id" is PayU's public one, which has none`);
  }
  const scope = form.get('scope');
  if (scope === null) {
    // PayU documents a refresh without one (F1).
    if (grantType !== 'refresh_token')
      problems.push('"scope" is missing: PayU wants it with each grant but a refresh');
  } else if (!/^\S+( \S+)*$/.test(scope) && scope !== '') {
    problems.push('"scope" must hold scopes separated by one space');
  }
  return problems;
}

/** The rules of PayU's revocation endpoint that a request breaks, in words; empty if there are none. */
export function revokeFormProblems(request: FormRequest): string[] {
  const form = new URLSearchParams(request.body);
  const problems = formProblems(request, form);
  if (!isForm(request)) return problems;
  for (const name of ['client_id', 'token']) {
    if (!form.has(name)) problems.push(`"${name}" is missing`);
  }
  return problems;
}

function formProblems(request: FormRequest, form: URLSearchParams): string[] {
  const problems: string[] = [];
  if (!isForm(request)) {
    const actual = request.contentType === '' ? 'missing' : `"${request.contentType}"`;
    problems.push(`"Content-Type" must be "application/x-www-form-urlencoded", but was ${actual}`);
    // A body in another format is no form; what is "missing" in it would only distract.
    return problems;
  }
  if (request.authorization !== undefined) {
    problems.push('"Authorization" must not be sent here: the credentials belong into the form body');
  }
  if (request.search !== '')
    problems.push('the URL must have no query: parameters belong into the form body');
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name);
    if (values.length > 1) problems.push(`"${name}" is there ${values.length} times`);
    if (values.includes('')) problems.push(`"${name}" is empty: leave the field out`);
  }
  return problems;
}

function isForm(request: FormRequest): boolean {
  const type = request.contentType.split(';', 1)[0] ?? '';
  return type.trim().toLowerCase() === 'application/x-www-form-urlencoded';
}

// Everything else may be a secret, or a person's mobile number: an allow-list, for fields nobody has thought of.
const harmless = new Set(['grant_type', 'scope', 'client_id', 'token_type_hint']);

/** The form's fields, with each value hidden that may be secret and was not made by the kit itself. */
export function redactForm(
  request: FormRequest,
  isOurs: (value: string) => boolean,
): Readonly<Record<string, string>> {
  const shown: [string, string][] = [];
  // A body in another format, JSON say, would be read as one long field name, with the secret in it.
  for (const [name, value] of new URLSearchParams(isForm(request) ? request.body : '')) {
    shown.push([name, harmless.has(name) || isOurs(value) ? value : redacted]);
  }
  return Object.fromEntries(shown);
}

export const redacted = '[redacted]';
