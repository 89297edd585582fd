import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { takeTrip } from './support/trip.ts'

takeTrip(
  'elysia',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/typescript/bin/tsc', '-p', '.']],
    program: fileURLToPath(new URL('../apps/elysia/node_modules/.bin/bun', import.meta.url)),
    start: () => ['server.ts'],
  },
  {},
  ({ client, see }) => {
    test('what changed before a thrown status below 500 is stored, unless the handler discards it', async () => {
      const visitor = client()
      expect((await visitor.post('/refuse')).status).toBe(422)
      expect((await see(visitor)).visits).toBe(1)
      expect((await visitor.post('/refuse?discard')).status).toBe(422)
      expect((await see(visitor)).visits).toBe(1)
    })

    test('a mounted handler that is wrapped itself opens the session of its copy of the request', async () => {
      const visitor = client()
      await visitor.post('/login', { name: 'ada', password: 'lovelace' })
      expect((await visitor.get('/mounted')).text).toBe('Mounted for ada, 1')
      expect((await see(visitor)).visits).toBe(1)
    })
  },
)
