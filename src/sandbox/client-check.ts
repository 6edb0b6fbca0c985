import type { SandboxClient } from './options.ts';

/**
 * The client that a form's credentials belong to. A confidential client must send its secret with
 * every grant; a public one that sends a secret, even an empty one, is refused.
 */
export function authenticatedClient(
  form: URLSearchParams,
  clients: ReadonlyMap<string, SandboxClient>,
): SandboxClient | undefined {
  const client = clients.get(form.get('client_id') ?? '');
  const secret = form.get('client_secret');
  return client !== undefined && secret === (client.clientSecret ?? null) ? client : undefined;
}

const publicGrants: readonly string[] = ['password', 'refresh_token'];

export function mayUseGrant(client: SandboxClient, grant: string): boolean {
  if (client.grants !== undefined) return client.grants.includes(grant);
  return client.clientSecret !== undefined || publicGrants.includes(grant);
}
