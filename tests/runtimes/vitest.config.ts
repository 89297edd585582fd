import { defineConfig } from 'vitest/config'
import { isNightly } from '../../scripts/nightly.js'

const results = process.env['SESS_TEST_RESULTS']

export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: 'installation.js',
    // tests/frameworks builds and drives an application of Next at each push; this one also tries webpack and edits.
    // A single executable takes a minute to make, of the bundles that bundlers.test.ts makes.
    exclude: ['**/node_modules/**', ...(isNightly ? [] : ['test/next.test.ts', 'test/sea.test.ts'])],
    // Half of the time, a tool waits for the disk or for a server; on two cores vitest would use one worker.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
  },
})
