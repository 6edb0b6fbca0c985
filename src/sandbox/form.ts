import type { Received } from './traffic.ts';

/**
 * The fields of a form body; undefined for another content type, and where a field is there twice.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.2
 */
export function formOf(request: Received): URLSearchParams | undefined {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return undefined;
  const form = new URLSearchParams(request.rawBody.toString('utf8'));
  return new Set(form.keys()).size === form.size ? form : undefined;
}
