import { expect, test } from 'vitest'
import { takeTrip } from './support/trip.ts'

takeTrip(
  'astro',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/astro/bin/astro.mjs', 'build', '--silent']],
    start: () => ['dist/server/entry.mjs'],
    env: () => ({ HOST: '127.0.0.1' }),
  },
  {
    logIn: (client, name, password) => client.post('/?_action=login', { name, password }),
    visit: (client) => client.post('/?_action=visit'),
    fail: (client) => client.post('/?_action=fail'),
  },
  ({ client: newClient, see, served }) => {
    test('an action that a script calls has the session, and one that fails stores nothing', async () => {
      const client = newClient()
      expect((await client.post('/_actions/visit', new FormData())).status).toBe(200)
      expect((await client.post('/_actions/fail', new FormData())).status).toBe(500)
      expect((await see(client)).visits).toBe(1)
    })

    test('a page that fails stores nothing, and its error page can read the session', async () => {
      const client = newClient()
      await client.post('/?_action=visit')
      await client.post('/?_action=login', { name: 'ada', password: 'lovelace' })
      const { status, text } = await client.get('/fails/at-all')
      expect(status).toBe(500)
      expect(text).toContain('Sorry, ada, that did not work.')
      expect((await see(client)).visits).toBe(1)
    })

    test.each([
      ['/fails/with-404', 404, 2],
      ['/fails/with-redirect', 303, 2],
    ])(
      'an answer that is no failure of the server stores what was changed: GET %s, %i',
      async (path, status, visits) => {
        const client = newClient()
        await client.post('/?_action=visit')
        expect((await client.get(path)).status).toBe(status)
        expect((await see(client)).visits).toBe(visits)
      },
    )

    test('a page and the page that it rewrites to have one session, on a first visit too', async () => {
      const client = newClient()
      const { text, headers } = await client.get('/fails/with-rewrite')
      expect(text).toContain('Visit number 2')
      expect(headers.getSetCookie()).toHaveLength(1)
      expect((await see(client)).visits).toBe(2)
    })

    test('a component that is rendered late can read the session, and a change there is SEALED', async () => {
      const client = newClient()
      await client.post('/?_action=login', { name: 'ada', password: 'lovelace' })
      const response = await fetch(`${served().origin}/late`, { headers: { cookie: client.cookie } })
      await client.post('/release')
      expect(await response.text()).toContain('ada SEALED')
      expect((await see(client)).visits).toBe(0)
    })

    test('a server island has the session', async () => {
      const client = newClient()
      await client.post('/?_action=login', { name: 'ada', password: 'lovelace' })
      const [, path] = /fetch\("([^"]+)"/.exec((await client.get('/island')).text) ?? []
      expect((await client.get(path ?? 'no island')).text).toContain('An island for ada')
    })

    test('a prerendered page has nothing of a session', async () => {
      const { status, headers } = await newClient().get('/about')
      expect(status).toBe(200)
      expect(headers.getSetCookie()).toEqual([])
      expect(headers.get('vary') ?? '').not.toContain('Cookie')
    })
  },
)
