import { beforeAll, describe, expect, inject, test } from 'vitest';
import { MAJORS } from './support/node-versions.ts';
import { type Project, project } from './support/project.ts';

describe('NestJS with @nestjs/axios: the HttpService of the module is attached', () => {
  let user: Project;
  beforeAll(async () => {
    // The last that run on Node.js 20.
    const nest = ['@nestjs/axios@4', '@nestjs/common@11', '@nestjs/core@11', 'reflect-metadata', 'rxjs@7'];
    user = await project(['axios', ...nest]);
    user.add('nest.cjs');
  });

  test.each(MAJORS)('Node.js %i', async (major) => {
    expect(await user.run(inject('nodes')[major], 'nest.cjs')).toMatchObject({ code: 0, stdout: 'well\n' });
  });
});
