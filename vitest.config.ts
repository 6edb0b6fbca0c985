import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A limit for what hangs, far from what anything takes: no test is timed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

export default config;
