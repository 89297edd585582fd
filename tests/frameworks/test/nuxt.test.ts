import { expect, test } from 'vitest'
import { takeTrip } from './support/trip.ts'

takeTrip(
  'nuxt',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [
      ['node_modules/nuxt/bin/nuxt.mjs', 'typecheck'],
      ['node_modules/nuxt/bin/nuxt.mjs', 'build'],
    ],
    start: () => ['.output/server/index.mjs'],
    env: () => ({ HOST: '127.0.0.1' }),
  },
  {},
  ({ client, see }) => {
    test('the requests of a page share its session, and the page carries its cookie', async () => {
      const visitor = client()
      expect((await visitor.get('/counted')).text).toMatch(/Visit number [12], Visit number [12]/)
      expect(visitor.cookie).not.toBe('')
      expect((await see(visitor)).visits).toBe(2)
    })

    test('a page of which a request failed stores nothing', async () => {
      const visitor = client()
      expect((await visitor.get('/unlucky')).text).toContain('It failed with 500.')
      expect(visitor.cookie).toBe('')
    })

    test('a handler that throws an error below 500 stores nothing', async () => {
      const visitor = client()
      await visitor.post('/visit')
      expect((await visitor.post('/refuse')).status).toBe(422)
      expect((await see(visitor)).visits).toBe(1)
    })

    test('a redirect of server middleware keeps what it changed', async () => {
      const visitor = client()
      expect((await visitor.get('/member')).status).toBe(303)
      expect((await see(visitor)).notice).toBe('Log in first.')
      await visitor.post('/login', { name: 'ada', password: 'lovelace' })
      expect((await visitor.get('/member')).text).toBe('Hello, ada.')
    })

    test("the global $fetch sees no session of the browser's, and a change there is an error", async () => {
      const visitor = client()
      await visitor.post('/login', { name: 'ada', password: 'lovelace' })
      expect((await visitor.get('/alone')).text).toBe('a stranger, 500')
    })
  },
)
