import cookie from '@sess/adapter-cookie'
import { type Sessions, sessions } from '@sess/core'
import type { ClientStore } from '@sess/core/adapter'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { failureOf, shown } from '../../../../tests/support/stores.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'

afterEach(() => void vi.unstubAllEnvs())

describe('ready', () => {
  test.each<[string, () => Sessions]>([
    ['memory', () => sessions('memory', { secret: SECRET })],
    ['cookie', () => sessions('cookie', { secret: SECRET })],
  ])('resolves on the %s store, and is CLOSED from the call of close on', async (_, start) => {
    const sess = start()
    await expect(sess.ready()).resolves.toBeUndefined()
    const closed = sess.close()
    expect((await failureOf(sess.ready())).code).toBe('CLOSED')
    await closed
    expect((await failureOf(sess.ready())).code).toBe('CLOSED')
  })

  test('asks a store on a server once, each time for another key, which no token can have', async () => {
    const store = new CountedStore()
    const sess = sessions(store, { secret: SECRET })
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { user: 7 })
    await exchange.commit(200)
    const [created] = store.calls.splice(0)
    await sess.ready()
    await sess.ready()
    expect(store.methods).toEqual(['read', 'read'])
    const [first, second] = store.calls.map(({ key }) => key)
    expect(first).not.toBe(second)
    expect(first).not.toHaveLength(created?.key?.length ?? 0)
  })

  test('rejects with the error of a store on a server', async () => {
    const store = new CountedStore()
    const sess = sessions(store, { secret: SECRET })
    await store.close()
    expect((await failureOf(sess.ready())).message).toBe('The memory store is closed.')
  })

  test('rejects with UNAVAILABLE if a store on a server fails with another error, which is not shown', async () => {
    const store = new CountedStore()
    vi.spyOn(store, 'read').mockRejectedValue(Object.assign(new Error('down'), { command: 'GET the-key' }))
    const error = await failureOf(sessions(store, { secret: SECRET }).ready())
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: 'The memory store failed.' })
    expect(shown(error)).not.toContain('the-key')
  })

  class Forgetful implements ClientStore {
    readonly contract = 1
    readonly kind = 'client'
    readonly name = 'forgetful'
    readonly maxBytes = 1000

    seal(): string {
      return 'sealed'
    }

    open(): null {
      return null
    }
  }

  test('rejects with CORRUPT if a client store cannot open what it has sealed', async () => {
    const error = await failureOf(sessions(new Forgetful(), { secret: SECRET }).ready())
    expect(error).toMatchObject({
      code: 'CORRUPT',
      message: 'The forgetful store does not open what it has sealed.',
    })
  })

  test('rejects with DISABLED while sessions are off', async () => {
    expect((await failureOf(sessions(false).ready())).code).toBe('DISABLED')
  })

  test('rejects with INVALID_OPTION in a build that has no secret', async () => {
    vi.stubEnv('npm_lifecycle_event', 'build')
    expect((await failureOf(sessions(cookie, { secret: undefined }).ready())).code).toBe('INVALID_OPTION')
  })
})
