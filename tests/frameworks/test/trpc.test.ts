import { expect, test } from 'vitest'
import { postJson } from './support/calls.ts'
import type { Answer, Client } from './support/client.ts'
import { takeTrip } from './support/trip.ts'

const call = (client: Client, procedure: string, input?: unknown): Promise<Answer> =>
  postJson(client, `/${procedure}`, input)

/** Calls procedures in one request, as tRPC's `httpBatchLink` does. */
const batch = (client: Client, ...procedures: readonly string[]): Promise<Answer> =>
  postJson(client, `/${procedures.join(',')}?batch=1`, {})

async function page(client: Client): Promise<Answer> {
  const answer = await client.get('/page', { accept: 'application/json' })
  return { ...answer, text: String(JSON.parse(answer.text).result.data) }
}

takeTrip(
  'trpc',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/typescript/bin/tsc', '-p', '.']],
    start: () => ['server.ts'],
  },
  {
    page,
    logIn: (client, name, password) => call(client, 'login', { name, password }),
    logOut: (client) => call(client, 'logout'),
    visit: (client) => call(client, 'visit'),
    fail: (client) => call(client, 'fail'),
    statuses: { login: 200, fail: 500 },
  },
  ({ client, see }) => {
    test('a call that fails with a status below 500 stores nothing', async () => {
      const visitor = client()
      await call(visitor, 'visit')
      expect((await call(visitor, 'refuse')).status).toBe(400)
      expect((await see(visitor)).visits).toBe(1)
    })

    test('the calls of a batch share one session', async () => {
      const visitor = client()
      expect((await batch(visitor, 'visit', 'visit')).text).toMatch(/Visit number 1.*Visit number 2/)
      expect((await see(visitor)).visits).toBe(2)
    })

    test('a batch of which one call failed stores nothing, behind a 207', async () => {
      const visitor = client()
      const answer = await batch(visitor, 'visit', 'refuse')
      expect([answer.status, answer.text]).toEqual([207, expect.stringContaining('Visit number 1')])
      expect(visitor.cookie).toBe('')
    })

    test('what a call of the batch has saved stays, and its cookie is sent', async () => {
      const visitor = client()
      await batch(visitor, 'savedVisit', 'refuse')
      expect(visitor.cookie).not.toBe('')
      expect((await see(visitor)).visits).toBeGreaterThan(0)
    })
  },
)
