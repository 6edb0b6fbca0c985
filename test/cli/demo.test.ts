import { expect, test } from 'vitest';
import { run } from './support.ts';

test('demo: each scene comes to what it claims, without a variable and without a secret', async () => {
  // Set for something else: the demo asks nobody outside.
  const ran = await run(['demo'], { PAYU_CLIENT_ID: 'client-1', PAYU_CLIENT_SECRET: 'not-to-be-used' });
  expect(ran).toMatchObject({ code: 0, err: [] });
  const rows = ran.out.slice(-4).map((line) => line.split(/\s{2,}/));
  expect(rows).toEqual([
    ['cold burst', '50', '50', '1', '1', '0', '0', '0', 'yes'],
    ['steady calls', '50', '50', '0', '0', '0', '0', '0', 'yes'],
    ['tokens revoked', '50', '50', '1', '1', '50', '50', '0', 'yes'],
    ['rate limited', '50', '50', '2', '1', '0', '0', '1', 'yes'],
  ]);
  expect(ran.out.join('\n')).not.toContain('client-1');
});
