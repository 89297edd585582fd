import { defineConfig } from 'vitest/config'

const results = process.env['SESS_TEST_RESULTS']

export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: 'installation.js',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
  },
})
