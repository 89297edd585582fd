import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const results = process.env['SESS_TEST_RESULTS']

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    include: ['test/*.test.ts'],
    globalSetup: './setup.ts',
    // Each worker installs packages, which also loads the registry and the disk.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 240_000,
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
  },
})
