import type { ServerStore } from '@sess/core/adapter'
import { expect } from 'vitest'
import { type Answer, serverOn } from '../../../tests/support/owner-fleet.ts'
import { numbers } from '../../../tests/support/stores.ts'

const user = 'somebody'

/** Expects that the sessions of a user are listed and revoked, whichever of the two stores they begin in. */
export async function expectOwners(stores: readonly [ServerStore, ServerStore], count: number): Promise<void> {
  const [one, other] = [serverOn(stores[0]), serverOn(stores[1])]
  const logIn = (number: number): Promise<Answer> =>
    (number % 2 === 0 ? one : other).ask({ action: 'login', user, device: `device ${number}` })
  const answers = await Promise.all(numbers(count).map(logIn))
  const [mine = '', ...others] = answers.map(({ cookie = '' }) => cookie)
  const { cookie: moved = '' } = await other.ask({ action: 'move', cookie: mine })
  const { devices } = await one.ask({ action: 'list', user })
  expect(new Set(devices)).toEqual(new Set(numbers(count).map((number) => `device ${number}`)))
  const { count: revoked } = await other.ask({ action: 'revoke others', user, cookie: moved })
  expect(revoked).toBe(count - 1)
  const seen = await Promise.all(others.map((cookie) => one.ask({ action: 'look', cookie })))
  expect(seen.filter(({ data }) => 'user' in data)).toEqual([])
  expect(await one.ask({ action: 'look', cookie: moved })).toMatchObject({ data: { user, device: 'device 0' } })
  expect(await one.ask({ action: 'revoke all', user })).toMatchObject({ count: 1 })
  expect(await other.ask({ action: 'list', user })).toMatchObject({ devices: [] })
}
