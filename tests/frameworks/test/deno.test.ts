import { fileURLToPath } from 'node:url'
import { takeTrip } from './support/trip.ts'

/** Deno checks the types, too. `--allow-env` is for ioredis, which lists all variables. */
const PERMISSIONS = ['--no-prompt', '--check', '--allow-net', '--allow-env']

takeTrip('deno', {
  packages: ['core', 'adapter-cookie', 'adapter-redis'],
  program: fileURLToPath(new URL('../apps/deno/node_modules/.bin/deno', import.meta.url)),
  start: () => ['run', ...PERMISSIONS, 'server.ts'],
})
