import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Windows ends a process at any signal; nothing can be cancelled there.
    exclude: process.platform === 'win32' ? ['test/**/*.posix.test.ts'] : [],
    // Acceptance waits more than it works: releases run side by side.
    maxWorkers: 5,
    maxConcurrency: 8,
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
});
