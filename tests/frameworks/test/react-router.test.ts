import { expect, test } from 'vitest'
import { takeTrip } from './support/trip.ts'

takeTrip(
  'react-router',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/@react-router/dev/bin.cjs', 'build', '--logLevel', 'warn']],
    start: () => ['node_modules/@react-router/serve/bin.cjs', 'build/server/index.js'],
    env: () => ({ HOST: '127.0.0.1' }),
  },
  {},
  ({ client: newClient, see, served }) => {
    test('the loaders of a page, which run at the same time, have one session', async () => {
      const client = newClient()
      const { headers } = await client.get('/both')
      expect(headers.getSetCookie()).toHaveLength(1)
      expect((await see(client)).visits).toBe(2)
    })

    test('an action that the browser calls by single fetch has the session, and its redirect has the cookie', async () => {
      const client = newClient()
      expect((await client.post('/visit.data')).status).toBe(200)
      const { status, headers } = await client.post('/login.data', { name: 'ada', password: 'lovelace' })
      expect(status).toBe(202)
      expect(headers.getSetCookie()).toHaveLength(1)
      expect(await see(client)).toEqual({ visits: 1, user: 'ada', notice: 'Welcome, ada.' })
    })

    test.each(['/fails/at-all', '/fails/at-all.data'])('a loader that fails stores nothing: GET %s', async (path) => {
      const client = newClient()
      await client.post('/visit')
      expect((await client.get(path)).status).toBe(500)
      expect((await see(client)).visits).toBe(1)
    })

    test('an action that fails under single fetch stores nothing', async () => {
      const client = newClient()
      await client.post('/visit')
      expect((await client.post('/fail.data')).status).toBe(500)
      expect((await see(client)).visits).toBe(1)
    })

    test.each([
      ['/fails/with-404', 404],
      ['/fails/with-404.data', 404],
      ['/fails/with-redirect', 303],
      ['/fails/with-redirect.data', 202],
    ])('what is thrown and is no failure of the server stores what was changed: GET %s, %i', async (path, status) => {
      const client = newClient()
      await client.post('/visit')
      expect((await client.get(path)).status).toBe(status)
      expect((await see(client)).visits).toBe(2)
    })

    test('what is streamed can read the session, and a change there is SEALED', async () => {
      const client = newClient()
      await client.post('/login', { name: 'ada', password: 'lovelace' })
      // To what looks like a robot, nothing is streamed.
      const headers = { cookie: client.cookie, 'user-agent': 'Mozilla/5.0 Firefox/140.0' }
      const response = await fetch(`${served().origin}/streamed`, { headers })
      await client.post('/release')
      expect(await response.text()).toContain('ada SEALED')
      expect((await see(client)).visits).toBe(0)
    })

    test('a SessionStorage over a store of @sess keeps, counts and ends its sessions', async () => {
      const client = newClient()
      const count = async (): Promise<string> => (await client.get('/storage')).text
      for (let times = 0; times < 2; times++) await client.post('/storage', { do: 'count' })
      expect(await count()).toBe('2')
      const thief = client.copy()
      await client.post('/storage', { do: 'destroy' })
      expect([await count(), (await thief.get('/storage')).text]).toEqual(['0', '0'])
    })

    test('a SessionStorage over a store of @sess brings no session back that was destroyed meanwhile', async () => {
      const client = newClient()
      await client.post('/storage', { do: 'count' })
      await client.post('/storage', { do: 'both' })
      expect((await client.get('/storage')).text).toBe('0')
    })
  },
)
