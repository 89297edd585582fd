import { expect, test } from 'vitest'
import { takeTrip } from './support/trip.ts'

takeTrip(
  'express-4',
  { packages: ['core', 'adapter-cookie', 'adapter-redis'], start: () => ['server.js'] },
  {},
  ({ client }) => {
    test('middleware and the handler after it see one session', async () => {
      const visitor = client()
      expect((await visitor.get('/member')).status).toBe(401)
      await visitor.post('/login', { name: 'ada', password: 'lovelace' })
      expect((await visitor.get('/member')).text).toBe('Hello, ada.')
    })
  },
)
