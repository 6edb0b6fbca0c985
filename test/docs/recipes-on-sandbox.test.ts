import { afterAll, describe, expect, test } from 'vitest';
import { noRedis } from '../redis/support/redis-server.ts';
import { compile, ON_SANDBOX } from './support/compile.ts';
import { EXTRAS, FILES, recipesOnSandbox, refusedBy } from './support/on-sandbox.ts';
import { run } from './support/surroundings.ts';

const recipes = await recipesOnSandbox();
const compiled = compile(
  recipes.map(({ snippet }) => snippet),
  'on-sandbox',
  ON_SANDBOX,
);
afterAll(() => Promise.all(recipes.map(({ sandbox }) => sandbox.close())));

describe('with the host and the environment of a sandbox in place of PayU’s', () => {
  describe.each(recipes.map((recipe, index) => [recipe.title, recipe, index] as const))(
    '%s',
    (_, recipe, index) => {
      const { sandbox, snippet, refused } = recipe;
      const needsRedis = snippet.given.includes('redisServer(');
      test.skipIf(needsRedis && noRedis !== undefined)(`${snippet.file}:${snippet.line}`, async () => {
        const { path, complaints } = compiled[index] as (typeof compiled)[number];
        expect(complaints).toEqual([]);
        const { username, password } = sandbox;
        await run(() => import(path), { PAYU_USERNAME: username, PAYU_PASSWORD: password });
        expect(sandbox.requests().length).toBeGreaterThan(0);
        expect(refusedBy(sandbox)).toEqual(refused);
      });
    },
  );

  test('no recipe is passed over, and no exception is left over', () => {
    const titles = recipes.map(({ title }) => title);
    expect(titles.length).toBeGreaterThan(20);
    expect(Object.keys(EXTRAS).filter((title) => !titles.includes(title))).toEqual([]);
    expect([...new Set(recipes.map(({ snippet }) => snippet.file))]).toEqual(FILES);
  });
});
