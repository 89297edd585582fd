import { expect, test } from 'vitest'
import { takeTrip } from './support/trip.ts'

takeTrip(
  'h3',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/typescript/bin/tsc', '-p', '.']],
    start: () => ['server.ts'],
  },
  {},
  ({ client, see }) => {
    test('what changed before an error below 500 is stored, unless the handler discards it', async () => {
      const visitor = client()
      expect((await visitor.post('/refuse')).status).toBe(422)
      expect((await see(visitor)).visits).toBe(1)
      expect((await visitor.post('/refuse?discard')).status).toBe(422)
      expect((await see(visitor)).visits).toBe(1)
    })

    test('a request that the application makes of itself shares the session that is handed on with it', async () => {
      const visitor = client()
      expect((await visitor.post('/twice')).text).toBe('Visit number 1, Visit number 2')
      expect((await see(visitor)).visits).toBe(2)
    })
  },
)
