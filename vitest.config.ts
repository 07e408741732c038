import { defineConfig } from 'vitest/config';

const report = process.env['KINDRED_TEST_REPORT'];

/** These measure what a server can take: a few seconds of them beside other tests say nothing. npm run test:soak. */
const soaks = { overload: 'KINDRED_SOAK_OVERLOAD', steady: 'KINDRED_SOAK_REQUESTS' };
const left = Object.entries(soaks).filter(([, variable]) => process.env[variable] === undefined);

// eslint-disable-next-line no-restricted-syntax
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...left.map(([name]) => `test/reliability/${name}.test.ts`)],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
