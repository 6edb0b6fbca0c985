import { beforeAll, describe, expect, test } from 'vitest';
import { type Project, project } from './support/project.ts';

/** Prints what the package says where another version of an optional peer is installed. */
const PROGRAM = `
import { fixtures, mockPayu } from 'axios-payu-auth/testing';
import { redisTokenStore } from 'axios-payu-auth/redis';
const said = (use) => { try { use(); return 'well'; } catch ({ message }) { return message; } };
console.log(JSON.stringify({
  fixtures: fixtures.payouts.accountDetail.body.status,
  kit: said(() => mockPayu({ environment: 'test' }).restore()),
  store: typeof redisTokenStore,
}));
`;

// A project may have them for something else, and a refused installation would be a wall without a door.
describe.each([
  ['nock 13, ioredis 4 and redis 3', ['nock@13', 'ioredis@4', 'redis@3'], /^13\./],
  ['nock 15', ['nock@15'], /^15\./],
])('in a project with %s', (_title, others, version) => {
  let user: Project;
  beforeAll(async () => {
    // Rejects where npm refuses to install.
    user = await project(['axios', ...others]);
    user.write('program.mjs', PROGRAM);
  });

  test('it installs; what needs none of them works, and the kit says which nock it needs', async () => {
    const { code, stdout, stderr } = await user.run(process.execPath, 'program.mjs');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { fixtures, kit, store } = JSON.parse(stdout);
    expect({ fixtures, store }).toEqual({ fixtures: 0, store: 'function' });
    const installed =
      /^axios-payu-auth\/testing needs "nock" \^14[.\d]+, but (\S+) is installed: npm i -D nock@14$/.exec(
        kit,
      )?.[1];
    expect(installed, kit).toMatch(version);
  });
});
