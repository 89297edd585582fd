import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import type { ServerStore } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { arrive, type Handler } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { Clock, DAY, HOUR, SECOND } from '../support/clock.ts'
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

describe('a session that has expired by the clock of the server that revokes, but not by that of another', () => {
  test.each([1, 100])('is dead there too, of %i', async (count) => {
    const store = new CountedStore()
    const clock = new Clock()
    const late = serve(store, { clock: clock.read })
    const early = serve(store, { clock: () => clock.now + 5 * SECOND })
    const browsers = await Promise.all(Array.from({ length: count }, () => login(late)))
    clock.advance(DAY - 2 * SECOND)
    await early.owner(7).revoke()
    const seen = await Promise.all(browsers.map((browser) => browser.see()))
    expect(seen.filter((data) => 'user' in data)).toEqual([])
  })

  test('is dead there too if, by then, no shard of the list has a session any more', async () => {
    const store = new CountedStore()
    const clock = new Clock()
    const late = serve(store, { clock: clock.read, idleTimeout: HOUR })
    const early = serve(store, { clock: () => clock.now + 5 * SECOND, idleTimeout: HOUR })
    const browsers = await Promise.all(Array.from({ length: 100 }, () => login(late)))
    // The list says for three hours that it has shards: for the hour that a session lives, and two idle timeouts more.
    for (let halves = 0; halves < 4; halves++) {
      clock.advance(HOUR / 2)
      await Promise.all(browsers.map((browser) => browser.see()))
    }
    clock.advance(HOUR - 2 * SECOND)
    await early.owner(7).revoke()
    const seen = await Promise.all(browsers.map((browser) => browser.see()))
    expect(seen.filter((data) => 'user' in data)).toEqual([])
  })
})

describe('while the secret is rotated, a session', () => {
  const NEW = 'a newer secret for tests, of 32 bytes or more'

  function rotation() {
    const store = new CountedStore()
    const clock = new Clock()
    const withSecrets = (
      secret: readonly string[],
      on: ServerStore = store,
      options: Partial<CoreOptions<string>> = {},
    ) => serve(on, { secret, clock: clock.read, ...options })
    return { store, clock, withSecrets }
  }

  test.each<[string, Handler]>([
    ['is read', () => undefined],
    ['is changed', (session) => Object.assign(session, { theme: 'dark' })],
    ['moves', (session) => session.regenerate()],
    ['moves with a change', (session) => Object.assign(session, { theme: 'dark' }) && session.regenerate()],
  ])('that %s is listed and revoked once the older secret is gone', async (_, handle) => {
    const { withSecrets } = rotation()
    const before = await login(withSecrets([SECRET]))
    const during = before.at(withSecrets([NEW, SECRET]))
    await during.visit(handle)
    const sess = withSecrets([NEW])
    const after = during.at(sess)
    expect(await after.see()).toMatchObject({ user: 7 })
    expect((await sess.owner(7).sessions()).length).toBe(1)
    expect(await sess.owner(7).revoke()).toBe(1)
    expect(await after.see()).toEqual({})
  })

  test('is not struck off between the reads of the two lists', async () => {
    const { store, withSecrets } = rotation()
    const before = await login(withSecrets([SECRET]))
    const during = before.at(withSecrets([NEW, SECRET]))
    const lister = withSecrets(
      [NEW, SECRET],
      interrupted(
        store,
        (key) => !isSession(key),
        async () => during.see(),
      ),
    )
    expect((await lister.owner(7).sessions()).length).toBe(1)
  })

  test('is revoked, although its listing moves behind the one that revokes', async () => {
    const { store, clock, withSecrets } = rotation()
    const before = await login(withSecrets([SECRET]))
    clock.advance(SECOND)
    const during = before.at(withSecrets([NEW, SECRET]))
    const lists = new Set<string>()
    const isSecondList = (key: string): boolean => !isSession(key) && lists.add(key).size === 2
    // A server that has the new secret in second place, as is advised while others do not know it.
    const revoker = withSecrets(
      [SECRET, NEW],
      interrupted(store, isSecondList, async () => during.see()),
    )
    await revoker.owner(7).revoke()
    expect(await during.see()).toEqual({})
    expect(await before.see()).toEqual({})
  })

  test('is counted once by maxPerOwner, under either secret', async () => {
    const { clock, withSecrets } = rotation()
    const atMost = (most: number, ...secrets: readonly string[]) =>
      withSecrets(secrets, undefined, { maxPerOwner: most })
    const both = atMost(2, NEW, SECRET)
    const [one, two] = [await login(atMost(2, SECRET), 'one'), await login(atMost(2, SECRET), 'two')]
    clock.advance(HOUR)
    const renewed = two.at(both)
    expect(await renewed.see()).toMatchObject({ device: 'two' })
    expect(await one.see()).toMatchObject({ device: 'one' })
    clock.advance(HOUR)
    await login(both, 'three')
    expect(await one.see()).toEqual({})
    expect(await renewed.see()).toMatchObject({ device: 'two' })
    const listed = await both.owner(7).sessions()
    expect(new Set(listed.map(({ data }) => data['device']))).toEqual(new Set(['three', 'two']))
  })
})

test('maxPerOwner holds for users that had more than a list of sessions before it was set', async () => {
  const store = new CountedStore()
  const before = serve(store)
  const crowd = await Promise.all(Array.from({ length: 100 }, () => login(before, 'one of a hundred')))
  const sess = serve(store, { maxPerOwner: 3 })
  for (const device of ['one', 'two', 'three', 'four']) {
    await login(sess, device)
    expect((await sess.owner(7).sessions()).length).toBe(3)
  }
  const seen = await Promise.all(crowd.map((browser) => browser.see()))
  expect(seen.filter((data) => 'user' in data)).toEqual([])
})
