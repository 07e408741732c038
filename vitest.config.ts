import { defineConfig } from 'vitest/config';

const report = process.env['KINDRED_TEST_REPORT'];

// eslint-disable-next-line no-restricted-syntax
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
