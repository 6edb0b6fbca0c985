import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { MAJORS } from './support/node-versions.ts';
import { type Project, project } from './support/project.ts';

describe('Jest 30 in CommonJS mode, with axios-payu-auth/testing', () => {
  let user: Project;
  beforeAll(async () => {
    user = await project(['axios', 'nock@14', 'jest@30'], { jest: { transform: {} } });
    user.add('payouts.spec.js');
  });

  test.each(MAJORS)('Node.js %i', async (major) => {
    const jest = join(user.folder, 'node_modules/jest/bin/jest.js');
    const { code, stderr } = await user.run(inject('nodes')[major], jest, '--ci');
    expect(stderr).toContain('Tests:       1 passed, 1 total');
    expect(code).toBe(0);
  });
});
