import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/package/**/*.smoke.ts'],
    globalSetup: ['test/package/support/tarball.ts', 'test/package/support/node-versions.ts'],
    // They install packages; the whole has to be done within 5 minutes.
    testTimeout: 150_000,
    hookTimeout: 150_000,
  },
});

// biome-ignore lint/style/noDefaultExport: vitest looks for it there.
export default config;
