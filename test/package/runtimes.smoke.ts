import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ended, type Project, project } from './support/project.ts';

describe.each([
  ['bun', ['run']],
  ['deno', ['run', '--allow-all', '--quiet']],
] as const)('%s, as it comes from npm', (runtime, args) => {
  let user: Project;
  beforeAll(async () => {
    user = await project(['axios', runtime]);
    user.add('scenario.mjs', 'scenario.cjs');
    // Scripts are not run at installation; Bun puts its program into place by this one.
    if (runtime === 'bun')
      await ended(process.execPath, ['install.js'], join(user.folder, 'node_modules/bun'));
  });

  test.each(['scenario.mjs', 'scenario.cjs'])('%s', async (program) => {
    const path = join(user.folder, 'node_modules/.bin', runtime);
    expect(await user.run(path, ...args, program)).toMatchObject({ code: 0, stdout: 'well\n' });
  });
});
