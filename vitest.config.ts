import { defineConfig } from 'vitest/config'

const results = process.env['SESS_TEST_RESULTS']

export default defineConfig({
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
      'docs/test/**/*.test.ts',
      'scripts/test/**/*.test.ts',
      'tests/**/*.test.ts',
    ],
    globalSetup: ['scripts/servers/setup.js', 'scripts/binding.js'],
    setupFiles: 'scripts/seed.js',
    // The tests see the packages as an application does: built, and loaded by Node itself. Were they transformed by
    // Vite, a test and an adapter that was loaded by name would hold two copies of @sess/core.
    server: { deps: { external: [/\/(?:packages|examples)\/[^/]+\/dist\//] } },
    // Most of what takes long waits for servers and deadlines; by itself vitest would use one on a machine of two cores.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
  },
})
