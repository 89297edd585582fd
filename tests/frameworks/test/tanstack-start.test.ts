import { expect, test } from 'vitest'
import type { Answer, Client } from './support/client.ts'
import { takeTrip } from './support/trip.ts'

/** Calls a server function as the browser's scripts do. */
async function call(client: Client, name: string): Promise<Answer> {
  const addresses: Readonly<Record<string, string>> = JSON.parse((await client.get('/addresses')).text)
  return client.send(addresses[name] ?? `no server function ${name}`, {
    method: 'POST',
    headers: { 'x-tsr-serverfn': 'true', accept: 'application/json' },
  })
}

/** Sends the form of the page, whose address is that of a server function. */
async function logOut(client: Client): Promise<Answer> {
  const [, address] = /action="(\/_serverFn[^"]+)"/.exec((await client.get('/')).text) ?? []
  return client.post(address ?? 'no form')
}

takeTrip(
  'tanstack-start',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']],
    start: () => ['node_modules/srvx/bin/srvx.mjs', '--prod', '-s', '../client', 'dist/server/server.js'],
    env: () => ({ HOST: '127.0.0.1' }),
  },
  {
    logOut,
  },
  ({ client: newClient, see, served }) => {
    test('a server function counts in the session, and stores nothing if it fails', async () => {
      const client = newClient()
      await call(client, 'visit')
      expect((await call(client, 'fail')).text).toContain('This server function fails.')
      expect((await see(client)).visits).toBe(1)
    })

    test('a server function that the browser calls redirects with the cookie', async () => {
      const client = newClient()
      await call(client, 'visit')
      expect((await call(client, 'logOut')).status).toBeLessThan(400)
      expect(await see(client)).toEqual({ visits: 0, user: 'a stranger', notice: 'You are logged out.' })
    })

    test('a page whose loader fails stores nothing', async () => {
      const client = newClient()
      await client.post('/visit')
      expect((await client.get('/fails/at-all')).status).toBe(500)
      expect((await see(client)).visits).toBe(1)
    })

    test.each([
      ['/fails/with-404', 404],
      ['/fails/with-redirect', 303],
      ['/member', 303],
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
      const headers = { cookie: client.cookie, accept: 'text/html', 'user-agent': 'Mozilla/5.0 Firefox/140.0' }
      const response = await fetch(`${served().origin}/streamed`, { headers })
      await client.post('/release')
      expect(await response.text()).toContain('ada SEALED')
      expect((await see(client)).visits).toBe(0)
    })

    test('a middleware of a server route has the session', async () => {
      const client = newClient()
      await client.post('/login', { name: 'ada', password: 'lovelace' })
      expect((await client.get('/member')).text).toBe('Hello, ada.')
    })
  },
)
