import { defineConfig } from 'vitest/config'

const results = process.env['SESS_TEST_RESULTS']

export default defineConfig({
  test: {
    root: import.meta.dirname,
    // The applications have tests of their own, for other runners.
    include: ['test/*.test.ts'],
    globalSetup: 'packages.js',
    // Building an application takes up to a minute of a processor.
    testTimeout: 120_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
  },
})
