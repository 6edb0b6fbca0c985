import { beforeAll, describe, expect, inject, test } from 'vitest';
import { MAJORS } from './support/node-versions.ts';
import { type Project, project } from './support/project.ts';

const WELL = { code: 0, stdout: 'well\n', stderr: '' };

describe('installed from the tarball, on Node.js', () => {
  let user: Project;
  beforeAll(async () => {
    user = await project(['axios']);
    user.add('scenario.mjs', 'scenario.cjs', 'faults.mjs');
  });

  describe.each(MAJORS)('%i', (major) => {
    test('is that version', async () => {
      const { stdout } = await user.run(inject('nodes')[major], '--version');
      expect(stdout).toMatch(new RegExp(`^v${major}\\.`));
    });

    test.each(['scenario.mjs', 'scenario.cjs', 'faults.mjs'])('%s, without a warning', async (program) => {
      expect(await user.run(inject('nodes')[major], program)).toEqual(WELL);
    });
  });

  test.each(['axios@1.12.0', 'axios'])(
    'with Node’s own use of the environment’s proxy, which gets no secret: %s',
    async (axios) => {
      const proxied = await project([axios]);
      proxied.add('env-proxy.mjs');
      for (const major of MAJORS)
        expect(await proxied.run(inject('nodes')[major], 'env-proxy.mjs')).toEqual(WELL);
    },
  );

  test('axios at the lowest version that is allowed, on the lowest Node.js', async () => {
    const old = await project(['axios@1.12.0']);
    old.add('scenario.mjs', 'scenario.cjs');
    for (const program of ['scenario.mjs', 'scenario.cjs']) {
      expect(await old.run(inject('nodes')[20], program)).toEqual(WELL);
    }
  });

  test.each(['0.27.2', '1.8.4'])('an axios that is too old is refused in words: %s', async (version) => {
    const old = await project([`axios@${version}`], {
      overrides: { 'axios-payu-auth': { axios: '$axios' } },
    });
    old.write(
      'old.cjs',
      `const { createPayuAuth } = require('axios-payu-auth');
      const grant = { type: 'client_credentials', clientId: 'id', clientSecret: 'secret' };
      try {
        createPayuAuth({ environment: 'test', grant, scope: 'create_payout_transactions' });
      } catch ({ code, message }) {
        process.stdout.write(code + ' ' + message);
      }`,
    );
    expect(await old.run(inject('nodes')[20], 'old.cjs')).toEqual({
      code: 0,
      stdout: `ERR_INVALID_OPTION "axios" must be of version 1.12 or later; got ${version}. Run: npm i axios@1`,
      stderr: '',
    });
  });

  test('an older axios works for those who insist, by npm\'s "overrides": 1.9.0', async () => {
    const older = await project(['axios@1.9.0'], { overrides: { 'axios-payu-auth': { axios: '$axios' } } });
    older.add('scenario.mjs', 'scenario.cjs', 'faults.mjs');
    for (const program of ['scenario.mjs', 'scenario.cjs', 'faults.mjs']) {
      expect(await older.run(inject('nodes')[20], program)).toEqual(WELL);
    }
  });
});
