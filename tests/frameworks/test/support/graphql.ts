import { expect, test } from 'vitest'
import { postJson } from './calls.ts'
import type { Answer, Client } from './client.ts'
import type { Recipe } from './application.ts'
import { takeTrip } from './trip.ts'

/** The trip over GraphQL, where every answer is a 200. `path`: where the server answers. */
export function takeGraphqlTrip(name: string, recipe: Recipe, path: string): void {
  const send = (client: Client, query: string, variables = {}): Promise<Answer> =>
    postJson(client, path, { query, variables })

  async function page(client: Client): Promise<Answer> {
    const answer = await send(client, '{ page }')
    return { ...answer, text: String(JSON.parse(answer.text).data.page) }
  }

  const forms = {
    page,
    logIn: (client: Client, user: string, password: string) =>
      send(client, 'mutation ($user: String!, $password: String!) { login(name: $user, password: $password) }', {
        user,
        password,
      }),
    logOut: (client: Client) => send(client, 'mutation { logout }'),
    visit: (client: Client) => send(client, 'mutation { visit }'),
    fail: (client: Client) => send(client, 'mutation { fail }'),
    statuses: { login: 200, fail: 200 },
  }

  takeTrip(name, recipe, forms, ({ client, see }) => {
    test('the fields of an operation share one session', async () => {
      const visitor = client()
      const { text } = await send(visitor, 'mutation { first: visit second: visit }')
      expect(JSON.parse(text).data).toEqual({ first: 'Visit number 1', second: 'Visit number 2' })
      expect((await see(visitor)).visits).toBe(2)
    })

    test('an operation of which one field failed stores nothing, behind a 200', async () => {
      const visitor = client()
      const { status, text } = await send(visitor, 'mutation { visit fail }')
      expect([status, JSON.parse(text).data]).toEqual([200, { visit: 'Visit number 1', fail: null }])
      expect(visitor.cookie).toBe('')
    })
  })
}
