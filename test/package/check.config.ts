import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/package/**/*.check.ts'],
    globalSetup: 'test/package/support/tarball.ts',
    // They start other programs.
    testTimeout: 60_000,
  },
});

// biome-ignore lint/style/noDefaultExport: vitest looks for it there.
export default config;
