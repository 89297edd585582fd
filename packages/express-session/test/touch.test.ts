import { describe, expect, it } from 'vitest'
import {
  clock,
  cookieFor,
  destroy,
  found,
  HOUR,
  NOW,
  openCounted,
  openSessStore,
  read,
  touch,
  write,
} from './stores.ts'

/** A twentieth of an hour. */
const STEP = HOUR / 20
const MINUTE = HOUR / 60

/** A session of an hour that was read, and then used after so many milliseconds. */
async function used(after: number, lifetime: number | null = HOUR) {
  const { store, other, calls } = openCounted()
  clock.now = NOW
  await write(other, { cookie: cookieFor(lifetime), one: 1 })
  const session = await found(store)
  clock.now = NOW + after
  session.cookie = cookieFor(lifetime)
  calls.length = 0
  return { store, other, session, calls }
}

describe('touch of a session that was read', () => {
  it('writes nothing if its end moves by less than a twentieth of its lifetime', async () => {
    const { store, session, calls } = await used(STEP - 1)
    await touch(store, session)
    expect(calls).toEqual([])
  })

  it('moves its end by one command if that is a twentieth of its lifetime', async () => {
    const { store, session, calls } = await used(STEP)
    await touch(store, session)
    expect(calls).toEqual(['update'])
    clock.now = NOW + STEP + HOUR - 1
    expect(await read(store)).toEqual({ cookie: session.cookie, one: 1 })
  })

  it('moves its end by a twentieth of a day where its cookie ends with the browser', async () => {
    const early = await used((24 * HOUR) / 20 - 1, null)
    await touch(early.store, early.session)
    expect(early.calls).toEqual([])
    const { store, session, calls } = await used((24 * HOUR) / 20, null)
    await touch(store, session)
    expect(calls).toEqual(['update'])
  })

  it('moves the end of a session of five minutes at each use', async () => {
    const { store, session, calls } = await used(100, 5 * MINUTE)
    await touch(store, session)
    expect(calls).toEqual(['update'])
  })

  it('writes nothing for a second touch', async () => {
    const { store, session, calls } = await used(STEP)
    await touch(store, session)
    await touch(store, session)
    expect(calls).toEqual(['update'])
  })

  it('stores an end that is sooner', async () => {
    const { store, session } = await used(1)
    session.cookie = { originalMaxAge: HOUR, expires: new Date(NOW + HOUR / 2).toISOString() }
    await touch(store, session)
    clock.now = NOW + HOUR / 2
    expect(await read(store)).toBeNull()
  })

  it('stores a lifetime that is shorter by less than a twentieth', async () => {
    const { store, session } = await used(1)
    session.cookie = cookieFor(HOUR - 1000)
    await touch(store, session)
    clock.now = NOW + HOUR - 999
    expect(await read(store)).toBeNull()
  })

  it('stores an attribute of its cookie that was changed', async () => {
    const { store, session } = await used(1)
    session.cookie = cookieFor(HOUR, { domain: 'example.com' })
    await touch(store, session)
    expect(await read(store)).toMatchObject({ cookie: { domain: 'example.com' } })
  })

  it('ends it where its cookie has ended', async () => {
    const { store, session } = await used(1)
    session.cookie = cookieFor(0)
    await touch(store, session)
    expect(await read(store)).toBeNull()
  })

  it('keeps what others have stored since', async () => {
    const { store, other, session } = await used(STEP)
    await write(other, Object.assign(await found(other), { theirs: 2 }))
    await touch(store, session)
    expect(await read(store)).toEqual({ cookie: session.cookie, one: 1, theirs: 2 })
  })

  it('stores nothing but the cookie', async () => {
    const { store, session } = await used(STEP)
    session['unsaved'] = 1
    await touch(store, session)
    expect(await read(store)).toEqual({ cookie: session.cookie, one: 1 })
  })

  it('leaves what is not saved yet to the next set', async () => {
    const { store, session } = await used(STEP)
    session['unsaved'] = 1
    await touch(store, session)
    await write(store, session)
    expect(await read(store)).toMatchObject({ one: 1, unsaved: 1 })
  })

  it('writes nothing if others have moved the end as far', async () => {
    const { store, other, session, calls } = await used(STEP)
    await touch(other, Object.assign(await found(other), { cookie: session.cookie }))
    await touch(store, session)
    expect(calls).toEqual(['update', 'read'])
  })

  it('keeps a lifetime that others have given it since', async () => {
    const { store, other, session } = await used(STEP)
    await write(other, Object.assign(await found(other), { cookie: cookieFor(100 * HOUR) }))
    await touch(store, session)
    expect(await read(store)).toMatchObject({ cookie: { originalMaxAge: 100 * HOUR } })
  })

  it('stores nothing, and reports no error, if it was destroyed since', async () => {
    const { store, other, session } = await used(STEP)
    await destroy(other)
    await touch(store, session)
    expect(await read(store)).toBeNull()
  })
})

describe('touch of an object that nobody read', () => {
  it('moves the end of the session, and stores nothing but the cookie', async () => {
    const store = openSessStore()
    await write(store, { cookie: cookieFor(HOUR), one: 1 })
    clock.now = NOW + STEP
    await touch(store, { cookie: cookieFor(HOUR), two: 2 })
    expect(await read(store)).toEqual({ cookie: cookieFor(HOUR), one: 1 })
  })

  it('creates no session', async () => {
    const store = openSessStore()
    await touch(store, { cookie: cookieFor(HOUR) })
    expect(await read(store)).toBeNull()
  })
})
