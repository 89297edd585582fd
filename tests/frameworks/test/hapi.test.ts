import { expect, test } from 'vitest'
import { takeTrip } from './support/trip.ts'

takeTrip(
  'hapi',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/typescript/bin/tsc', '-p', '.']],
    start: () => ['server.ts'],
  },
  {},
  ({ store, client, see }) => {
    test('a request that ends in a Boom error below 500 stores nothing', async () => {
      const visitor = client()
      expect((await visitor.post('/refuse')).status).toBe(400)
      expect(visitor.cookie).toBe('')
      await visitor.post('/visit')
      expect((await visitor.post('/refuse')).status).toBe(400)
      expect((await see(visitor)).visits).toBe(1)
    })

    // oxlint-disable-next-line vitest/no-conditional-tests -- the cookie store merges nothing, so it has no conflicts
    if (store === 'redis') {
      test('an error of @sess in a handler has its own status', async () => {
        const visitor = client()
        await visitor.post('/visit')
        const old = visitor.copy()
        await visitor.post('/login', { name: 'ada', password: 'lovelace' })
        expect((await old.post('/saved-visit')).status).toBe(409)
      })
    }

    test('a response that a prerequisite takes over keeps what it changed', async () => {
      const visitor = client()
      expect((await visitor.get('/member')).status).toBe(303)
      expect((await see(visitor)).notice).toBe('Log in first.')
      await visitor.post('/login', { name: 'ada', password: 'lovelace' })
      expect((await visitor.get('/member')).text).toBe('Hello, ada.')
    })
  },
)
