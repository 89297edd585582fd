import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Redis, startRedis } from '../../../../scripts/servers/redis.js'
import { Application, type Recipe, type Served } from './application.ts'
import { type Answer, Client } from './client.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly tarballs: Readonly<Record<string, string>>
    readonly npm: string
  }
}

const STORES = ['cookie', 'redis'] as const

/**
 * What every application of `apps/` answers, with the store that `STORE` names:
 *
 * - `GET /`: a page with the text `N visits by USER. NOTICE`, where nobody is `a stranger`, and the notice is shown once
 * - `POST /visit`: counts a visit by `update`, and answers with a text that contains `Visit number N`
 * - `POST /login` with `name` and `password`: logs in, sets the notice, and throws a redirect to `/` if the framework's
 *   redirects are thrown; a wrong password is 400 to 422
 * - `POST /logout`: ends the session, sets a notice in a new one, and redirects to `/`
 * - `POST /fail`: counts a visit, then throws
 */
export interface Trip {
  readonly store: (typeof STORES)[number]
  readonly redis: () => Redis
  readonly application: () => Application
  readonly client: () => Client
  readonly served: () => Served
  /** Sets the clock ahead, in milliseconds, where the application reads `AHEAD_FILE`. */
  readonly advance: (ms: number) => void
  /** The count, the user and the notice that the page shows. */
  readonly see: (client: Client) => Promise<Page>
}

interface Page {
  readonly visits: number
  readonly user: string
  readonly notice: string
}

/** How this application's forms are sent, where a form is not simply posted to the path. */
export interface Forms {
  readonly logIn?: (client: Client, name: string, password: string) => Promise<Answer>
  readonly logOut?: (client: Client) => Promise<Answer>
  readonly visit?: (client: Client) => Promise<Answer>
  readonly fail?: (client: Client) => Promise<Answer>
  /** Default: `GET /`. */
  readonly page?: (client: Client) => Promise<Answer>
  /** The statuses of what is not answered as a page is. Default: a login redirects, and a failure is 500 or more. */
  readonly statuses?: { readonly login: number; readonly fail: number }
  /** Resolves when the notice that the page showed is used up. Default: showing it is enough. */
  readonly dismiss?: (client: Client) => Promise<unknown>
}

/** Reads a page. The frameworks put comments and escapes into its text. */
function pageOf(text: string): Page {
  const plain = text.replaceAll(/<!--.*?-->/g, '').replaceAll(/&#x27;|&#39;/g, "'")
  const [, visits, user, notice] = /(\d+) visits? by ([^.<]+)\.([^<]*)/.exec(plain) ?? []
  if (visits === undefined) throw new Error(`The page shows no visits:\n${text}`)
  return { visits: Number(visits), user: user ?? '', notice: (notice ?? '').trim() }
}

const visitNumber = ({ text }: Answer): number => Number(/Visit number (\d+)/.exec(text)?.[1])

/** Builds the application once, and takes the trip on each store. `more` adds what is particular to the framework. */
export function takeTrip(name: string, recipe: Recipe, forms: Forms = {}, more?: (trip: Trip) => void): void {
  const logIn = forms.logIn ?? ((client, user, password) => client.post('/login', { name: user, password }))
  const logOut = forms.logOut ?? ((client) => client.post('/logout'))
  const visit = forms.visit ?? ((client) => client.post('/visit'))
  const fail = forms.fail ?? ((client) => client.post('/fail'))
  const look = forms.page ?? ((client) => client.get('/'))
  const see = async (client: Client): Promise<Page> => pageOf((await look(client)).text)

  describe(`the trip of ${recipe.title ?? name}`, () => {
    let application: Application
    let redis: Redis
    beforeAll(async () => {
      ;[redis, application] = await Promise.all([startRedis(), Application.build(name, recipe)])
    })
    afterAll(() => redis?.stop())

    const runs = Object.entries(recipe.ways ?? { '': {} }).flatMap(([way, env]) =>
      STORES.map((store) => ({ title: `${way} on ${store}`.trim(), store, env })),
    )

    describe.each(runs)('$title', ({ store, env }) => {
      let served: Served
      const folder = mkdtempSync(join(tmpdir(), 'sess-trip-'))
      const clock = join(folder, 'ahead')
      writeFileSync(clock, '0')
      beforeAll(
        async () =>
          (served = await application.start({ STORE: store, REDIS_URL: redis.url, AHEAD_FILE: clock, ...env })),
      )
      afterAll(async () => {
        await served?.stop()
        rmSync(folder, { recursive: true })
      })
      const newClient = (): Client => new Client(served.origin)

      test('a visitor who only looks gets no cookie', async () => {
        const client = newClient()
        expect(await see(client)).toEqual({ visits: 0, user: 'a stranger', notice: '' })
        expect(client.cookie).toBe('')
      })

      test('counts the visits of each visitor', async () => {
        const [one, other] = [newClient(), newClient()]
        expect([visitNumber(await visit(one)), visitNumber(await visit(one)), visitNumber(await visit(other))]).toEqual(
          [1, 2, 1],
        )
        expect((await see(one)).visits).toBe(2)
      })

      test('a login redirects with another cookie, keeps the visits, and shows its notice once', async () => {
        const client = newClient()
        await visit(client)
        const before = client.cookie
        const answer = await logIn(client, 'ada', 'lovelace')
        expect(answer.status).toBeGreaterThanOrEqual(forms.statuses?.login ?? 301)
        expect(answer.status).toBeLessThan(400)
        expect(client.cookie).not.toBe(before)
        expect(await see(client)).toEqual({ visits: 1, user: 'ada', notice: 'Welcome, ada.' })
        await forms.dismiss?.(client)
        expect(await see(client)).toEqual({ visits: 1, user: 'ada', notice: '' })
      })

      test('a wrong password logs nobody in, and changes no cookie', async () => {
        const client = newClient()
        await visit(client)
        const before = client.cookie
        const { status } = await logIn(client, 'ada', 'hopper')
        expect(status).toBeGreaterThanOrEqual(200)
        expect(status).toBeLessThan(423)
        expect(client.cookie).toBe(before)
        expect((await see(client)).user).toBe('a stranger')
      })

      test('a logout ends the session, and its notice is in a new one', async () => {
        const client = newClient()
        await visit(client)
        await logIn(client, 'ada', 'lovelace')
        const thief = client.copy()
        expect((await logOut(client)).status).toBeLessThan(400)
        expect(await see(client)).toEqual({ visits: 0, user: 'a stranger', notice: 'You are logged out.' })
        // Only a store on a server can end a copied cookie.
        if (store === 'redis') expect((await look(thief)).text).not.toContain('by ada')
      })

      test('a request that fails stores nothing', async () => {
        const client = newClient()
        await visit(client)
        expect((await fail(client)).status).toBeGreaterThanOrEqual(forms.statuses?.fail ?? 500)
        expect((await see(client)).visits).toBe(1)
      })

      test('requests at the same time keep the session, and lose no visit where the store merges', async () => {
        const client = newClient()
        await visit(client)
        await logIn(client, 'ada', 'lovelace')
        await Promise.all(Array.from({ length: 8 }, () => visit(client)))
        const { visits, user } = await see(client)
        expect(user).toBe('ada')
        if (store === 'redis') expect(visits).toBe(9)
        else expect(visits).toBeGreaterThan(1)
      })

      test('an answer with the cookie of a session is for no shared cache', async () => {
        const { headers } = await visit(newClient())
        expect(headers.getSetCookie()).not.toEqual([])
        expect(headers.get('cache-control')).toMatch(/private|no-store/)
      })

      more?.({
        store,
        redis: () => redis,
        application: () => application,
        client: newClient,
        served: () => served,
        advance: (ms) => writeFileSync(clock, String(ms)),
        see,
      })
    })
  })
}
