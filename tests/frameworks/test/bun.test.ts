import { fileURLToPath } from 'node:url'
import { takeTrip } from './support/trip.ts'

takeTrip('bun', {
  packages: ['core', 'adapter-cookie', 'adapter-redis'],
  build: [['node_modules/typescript/bin/tsc', '-p', '.']],
  program: fileURLToPath(new URL('../apps/bun/node_modules/.bin/bun', import.meta.url)),
  start: () => ['server.ts'],
})
