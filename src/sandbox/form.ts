import type { Received } from './traffic.ts';

/** The fields of a form body; undefined for another content type. */
export function formOf(request: Received): URLSearchParams | undefined {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return undefined;
  return new URLSearchParams(request.rawBody.toString('utf8'));
}
