import { defineConfig } from 'vitest/config';

const ACCEPTANCE = 'test/acceptance/**/*.test.ts';
// Windows ends a process at any signal; nothing can be cancelled there.
const NOT_HERE = process.platform === 'win32' ? ['test/**/*.posix.test.ts'] : [];

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: [ACCEPTANCE, ...NOT_HERE],
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
          // A walk of thousands of releases takes its time; one that never ends is still found.
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'acceptance',
          include: [ACCEPTANCE],
          exclude: NOT_HERE,
          // Releases wait more than they work, and run side by side; after the units, which take whole cores.
          maxWorkers: 5,
          maxConcurrency: 7,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
