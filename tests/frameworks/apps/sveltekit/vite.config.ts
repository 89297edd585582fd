import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter({ precompress: false }),
      experimental: { remoteFunctions: true },
      compilerOptions: { runes: true, experimental: { async: true } },
    }),
  ],
  // The adapter does this for what package.json has under dependencies; the tests install these without it.
  ssr: { external: ['@sess/core', '@sess/adapter-cookie', '@sess/adapter-redis'] },
})
