import { Application } from 'typedoc';
import { expect, test } from 'vitest';
import { ROOT } from './support/snippets.ts';

test('the API reference has no warnings: all that is public is exported, every link leads somewhere', async () => {
  const application = await Application.bootstrapWithPlugins({
    options: ROOT,
    // Slower to make than all else, and of no use here.
    emit: 'none',
    logLevel: 'None',
  });
  const project = await application.convert();
  if (project === undefined) return expect.unreachable('nothing was converted');
  application.validate(project);
  expect(application.logger.warningCount + application.logger.errorCount).toBe(0);
  expect(project.children?.map(({ name }) => name)).toEqual(['index', 'redis', 'sandbox', 'testing']);
});
