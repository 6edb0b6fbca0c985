import { defineConfig } from 'tsdown';

const entry = {
  index: 'src/index.ts',
  'sandbox/index': 'src/sandbox/index.ts',
  'testing/index': 'src/testing/index.ts',
  'redis/index': 'src/redis/index.ts',
};
const common = {
  entry,
  platform: 'node',
  target: 'node20.19',
  dts: true,
  sourcemap: true,
  logLevel: 'error',
} as const;

export default defineConfig([
  { ...common, format: 'esm' },
  // p-retry is ESM only: inside the CommonJS build it works under `require` on every Node, and in Jest.
  { ...common, format: 'cjs', noExternal: ['p-retry', 'is-network-error'] },
]);
