import { expect, test } from 'vitest'
import { takeTrip } from './support/trip.ts'

takeTrip(
  'fastify',
  { packages: ['core', 'adapter-cookie', 'adapter-redis', 'fastify'], start: () => ['src/server.ts'] },
  {},
  ({ client, see }) => {
    test('a hook refuses who is not logged in, and lets the others through', async () => {
      const visitor = client()
      expect((await visitor.get('/account')).status).toBe(401)
      await visitor.post('/login', { name: 'ada', password: 'lovelace' })
      expect(await visitor.get('/account')).toMatchObject({ status: 200, text: '{"user":"ada"}' })
    })

    test('a compressed answer carries the session', async () => {
      const visitor = client()
      const { headers } = await visitor.send('/visit', { method: 'POST', headers: { 'accept-encoding': 'gzip' } })
      expect(headers.get('content-encoding')).toBe('gzip')
      expect((await see(visitor)).visits).toBe(1)
    })
  },
)
