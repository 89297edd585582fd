import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    server: { deps: { external: [/\/(?:packages|examples)\/[^/]+\/dist\//] } },
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})
