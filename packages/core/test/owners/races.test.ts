import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import type { ServerStore } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { arrive } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { Clock, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'

const serve = (store: ServerStore, options: Partial<CoreOptions<string>> = {}): Sessions =>
  sessions(store, { secret: SECRET, owner: 'user', ...options })

async function login(sess: Sessions, device = 'a device'): Promise<Browser> {
  const browser = new Browser(sess)
  await browser.visit((session) => Object.assign(session, { user: 7, device }))
  return browser
}

const isSession = (key: string): boolean => !key.startsWith('o')

/** The store. Once it has read a key of which `when` says so, it does something before it answers. */
function interrupted(
  store: ServerStore,
  when: (key: string) => boolean,
  meanwhile: () => Promise<unknown>,
): ServerStore {
  const { contract, kind, name, maxBytes, deadline } = store
  let isDone = false
  return {
    contract,
    kind,
    name,
    maxBytes,
    deadline,
    create: (key, entry) => store.create(key, entry),
    async read(key) {
      const found = await store.read(key)
      if (isDone || !when(key)) return found
      isDone = true
      await meanwhile()
      return found
    },
    update: (key, entry, version) => store.update(key, entry, version),
    destroy: (key) => store.destroy(key),
    close: async () => undefined,
  }
}

describe('a session that moves again and again', () => {
  test('while it is revoked by its name is ended', async () => {
    const store = new CountedStore()
    const sess = serve(store)
    const thief = await login(sess)
    const id = await thief.visit((session) => sess.id(session))
    const moveAway = async (): Promise<void> => {
      for (let moves = 0; moves < 30; moves++) await thief.visit((session) => session.regenerate())
    }
    const revoker = serve(interrupted(store, isSession, moveAway))
    expect(await revoker.owner(7).revoke({ id: id ?? '' })).toBe(1)
    expect(await thief.see()).toEqual({})
  })
})

describe('an extension of a session that has moved meanwhile', () => {
  test('takes no place of maxPerOwner', async () => {
    const clock = new Clock()
    const sess = serve(new CountedStore(), { maxPerOwner: 2, clock: clock.read })
    const first = await login(sess, 'first')
    clock.advance(2 * HOUR)
    const { answer } = await arrive(sess, first.cookie)
    await first.visit((session) => session.regenerate())
    await answer()
    clock.advance(HOUR)
    await login(sess, 'second')
    expect(await first.see()).toEqual({ user: 7, device: 'first' })
  })
})
