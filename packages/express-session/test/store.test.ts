import { AsyncLocalStorage } from 'node:async_hooks'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { openStore as openEntries } from '@sess/core/adapter'
import { SessStore } from '@sess/express-session'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clock, cookieFor, destroy, found, HOUR, NOW, openCounted, openSessStore, read, write } from './stores.ts'

describe('get', () => {
  it('gives null where there is no session', async () => {
    const given = new Promise((resolve) => openSessStore().get('sid', (...args) => resolve(args)))
    expect(await given).toEqual([null, null])
  })

  it('gives what was stored, as JSON carries it', async () => {
    const store = openSessStore()
    await write(store, { cookie: { expires: new Date(NOW + HOUR) }, at: new Date(NOW), none: undefined })
    expect(await read(store)).toEqual({
      cookie: { expires: new Date(NOW + HOUR).toISOString() },
      at: new Date(NOW).toISOString(),
    })
  })

  it.each([
    ['text that is no JSON', 'the-secret{'],
    ['an array', '["the-secret"]'],
    ['a string', '"the-secret"'],
    ['null', 'null'],
  ])('fails with CORRUPT for %s, and does not show it', async (_, data) => {
    const scope = randomUUID()
    const store = openSessStore({ scope })
    const entries = openEntries('memory', { scope })
    onTestFinished(() => entries.close())
    await entries.create('sid', { data, expiresAt: Date.now() + HOUR })
    const failure: unknown = await read(store).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'SessError', code: 'CORRUPT' })
    expect(String(failure)).not.toContain('the-secret')
  })
})

describe('the end of a session', () => {
  it.each([
    ['the Date in its cookie', { expires: new Date(NOW + HOUR) }, HOUR],
    ['the text in its cookie', { expires: new Date(NOW + HOUR).toISOString() }, HOUR],
    ['one day where its cookie ends with the browser', { expires: null }, 24 * HOUR],
    ['one day where its cookie has a date that is none', { expires: new Date(Number.NaN) }, 24 * HOUR],
  ])('is %s', async (_, cookie, lifetime) => {
    const store = openSessStore()
    await write(store, { cookie })
    clock.now = NOW + lifetime - 1
    expect(await read(store)).not.toBeNull()
    clock.now = NOW + lifetime
    expect(await read(store)).toBeNull()
  })

  it('is the option ttl where its cookie ends with the browser', async () => {
    const store = openSessStore({ ttl: '2h' })
    await write(store, { cookie: cookieFor(null) })
    clock.now = NOW + 2 * HOUR - 1
    expect(await read(store)).not.toBeNull()
    clock.now = NOW + 2 * HOUR
    expect(await read(store)).toBeNull()
  })

  it('has come when a session is stored whose cookie has ended: it is removed', async () => {
    const { store, other, calls } = openCounted()
    await write(other, { cookie: cookieFor(HOUR) })
    const session = await found(store)
    session.cookie.expires = new Date(NOW).toISOString()
    await write(store, session)
    expect(calls).toEqual(['read', 'destroy'])
    expect(await read(store)).toBeNull()
  })

  it('comes before a session whose cookie has ended is created', async () => {
    const { store, calls } = openCounted()
    await write(store, { cookie: cookieFor(0) })
    expect(calls).toEqual(['destroy'])
  })
})

describe('set of an object that nobody read', () => {
  it('creates a session with one command', async () => {
    const { store, calls } = openCounted()
    await write(store, { cookie: cookieFor(HOUR) })
    expect(calls).toEqual(['create'])
  })

  it('replaces what is stored', async () => {
    const store = openSessStore()
    await write(store, { cookie: cookieFor(HOUR), one: 1 })
    await write(store, { cookie: cookieFor(HOUR), two: 2 })
    expect(await read(store)).toEqual({ cookie: cookieFor(HOUR), two: 2 })
  })

  it('is the first of those that follow, which change it', async () => {
    const { store, calls } = openCounted()
    const session = { cookie: cookieFor(HOUR), n: 1 }
    const first = write(store, session)
    session.n = 2
    const second = write(store, session)
    session.n = 3
    await Promise.all([first, second])
    expect(await read(store)).toMatchObject({ n: 2 })
    expect(calls).toEqual(['create', 'update', 'read'])
  })

  it('does not bring it back when it is stored again after its end', async () => {
    const store = openSessStore()
    const session = { cookie: cookieFor(HOUR) }
    await write(store, session)
    await destroy(store)
    await write(store, session)
    expect(await read(store)).toBeNull()
  })

  it('does not outlive a destroy that was called after it', async () => {
    const store = openSessStore()
    const session = { cookie: cookieFor(HOUR) }
    await Promise.all([write(store, session), write(store, session), destroy(store)])
    expect(await read(store)).toBeNull()
  })
})

describe('set of a session that was read', () => {
  async function stored(data: object = {}) {
    const { store, other, calls } = openCounted()
    await write(other, { cookie: cookieFor(HOUR), ...data })
    return { store, other, calls }
  }

  it('is one command', async () => {
    const { store, calls } = await stored()
    const session = await found(store)
    session['one'] = 1
    await write(store, session)
    session['two'] = 2
    await write(store, session)
    expect(await read(store)).toMatchObject({ one: 1, two: 2 })
    expect(calls).toEqual(['read', 'update', 'update', 'read'])
  })

  it('keeps what others have stored since under other keys', async () => {
    const { store, other } = await stored({ kept: 0, removed: 0 })
    const [mine, theirs] = [await found(store), await found(other)]
    theirs['theirs'] = 1
    await write(other, theirs)
    mine['mine'] = 2
    delete mine['removed']
    await write(store, mine)
    expect(await read(store)).toEqual({ cookie: cookieFor(HOUR), kept: 0, theirs: 1, mine: 2 })
  })

  it('keeps what others have removed since removed', async () => {
    const { store, other } = await stored({ gone: 1 })
    const [mine, theirs] = [await found(store), await found(other)]
    delete theirs['gone']
    await write(other, theirs)
    mine['mine'] = 2
    await write(store, mine)
    expect(await read(store)).toEqual({ cookie: cookieFor(HOUR), mine: 2 })
  })

  it('wins over what others have stored since under the same key', async () => {
    const { store, other } = await stored({ same: 0 })
    const [mine, theirs] = [await found(store), await found(other)]
    theirs['same'] = 1
    await write(other, theirs)
    mine['same'] = 2
    await write(store, mine)
    expect(await read(store)).toMatchObject({ same: 2 })
  })

  it('keeps the keys of others, which this object does not show, when it is stored again', async () => {
    const { store, other } = await stored()
    const [mine, theirs] = [await found(store), await found(other)]
    theirs['theirs'] = 1
    await write(other, theirs)
    mine['mine'] = 2
    await write(store, mine)
    mine['mine'] = 3
    await write(store, mine)
    expect(await read(store)).toEqual({ cookie: cookieFor(HOUR), theirs: 1, mine: 3 })
  })

  it('removes a key that it has stored before', async () => {
    const { store, other } = await stored()
    const [mine, theirs] = [await found(store), await found(other)]
    theirs['theirs'] = 1
    await write(other, theirs)
    mine['mine'] = 2
    await write(store, mine)
    delete mine['mine']
    await write(store, mine)
    expect(await read(store)).toEqual({ cookie: cookieFor(HOUR), theirs: 1 })
  })

  it('loses none of thirty keys that are stored at once', async () => {
    const { store } = await stored()
    const keys = Array.from({ length: 30 }, (_, n) => `key${n}`)
    const sessions = await Promise.all(keys.map(() => found(store)))
    await Promise.all(sessions.map((session, n) => write(store, Object.assign(session, { [`key${n}`]: n }))))
    expect(Object.keys(await found(store)).toSorted()).toEqual(['cookie', ...keys].toSorted())
  })

  it('takes __proto__ for a key like any other', async () => {
    const { store, other } = await stored()
    const [mine, theirs] = [await found(store), await found(other)]
    Object.defineProperty(theirs, '__proto__', { value: { theirs: 1 }, enumerable: true })
    await write(other, theirs)
    mine['mine'] = 2
    await write(store, mine)
    expect(JSON.stringify(await read(store))).toContain('"__proto__":{"theirs":1}')
  })

  it('stores nothing, and reports no error, if the session was destroyed since', async () => {
    const { store, other } = await stored()
    const session = await found(store)
    await destroy(other)
    session['late'] = 1
    await write(store, session)
    await write(store, session)
    expect(await read(store)).toBeNull()
  })

  it('stores nothing through req.session either, if the session was destroyed since', async () => {
    const { store, other } = await stored()
    const session = store.createSession({ sessionID: 'sid' }, await found(store))
    await destroy(other)
    await write(store, Object.assign(session, { late: 1 }))
    expect(await read(store)).toBeNull()
  })

  it('stores nothing in a session that a script has created under its id, once it has seen its end', async () => {
    const { store, other } = await stored()
    const session = await found(store)
    await destroy(other)
    await write(store, session)
    await write(other, { cookie: cookieFor(HOUR), theirs: 1 })
    await write(store, Object.assign(session, { late: 1 }))
    expect(await read(store)).toEqual({ cookie: cookieFor(HOUR), theirs: 1 })
  })

  it('stores nothing if the session has expired since', async () => {
    const { store } = await stored()
    const session = await found(store)
    clock.now = NOW + HOUR
    session.cookie = cookieFor(HOUR)
    await write(store, session)
    expect(await read(store)).toBeNull()
  })

  it('stores it after the end that was read, if others have moved that', async () => {
    const { store, other } = await stored()
    const [mine, theirs] = [await found(store), await found(other)]
    theirs.cookie = cookieFor(3 * HOUR)
    await write(other, theirs)
    clock.now = NOW + 2 * HOUR
    mine['mine'] = 1
    mine.cookie = cookieFor(HOUR)
    await write(store, mine)
    expect(await read(store)).toMatchObject({ mine: 1 })
  })

  it('does not end it, if others have moved its end, by the end that was read', async () => {
    const { store, other } = await stored()
    const [mine, theirs] = [await found(store), await found(other)]
    theirs.cookie = cookieFor(3 * HOUR)
    await write(other, theirs)
    clock.now = NOW + 2 * HOUR
    mine['mine'] = 1
    await write(store, mine)
    expect(await read(store)).toEqual({ cookie: theirs.cookie, mine: 1 })
  })

  it('creates a session where it is stored under another id', async () => {
    const { store } = await stored({ one: 1 })
    await write(store, await found(store), 'another')
    expect(await read(store, 'another')).toMatchObject({ one: 1 })
  })

  it('keeps the lifetime that others have given it since, though each request moves the end', async () => {
    const { store, other } = await stored()
    const [mine, theirs] = [await found(store), await found(other)]
    theirs.cookie = cookieFor(30 * 24 * HOUR)
    await write(other, theirs)
    clock.now = NOW + 1000
    mine['mine'] = 1
    mine.cookie = cookieFor(HOUR)
    await write(store, mine)
    const { cookie } = await found(store)
    expect(cookie.originalMaxAge).toBe(30 * 24 * HOUR)
    clock.now = NOW + 30 * 24 * HOUR - 1
    expect(await read(store)).not.toBeNull()
  })

  it('ends at its own end where others have only moved theirs', async () => {
    const { store, other } = await stored()
    const [mine, theirs] = [await found(store), await found(other)]
    clock.now = NOW + 1000
    theirs.cookie = cookieFor(HOUR)
    await write(other, theirs)
    clock.now = NOW + 2000
    mine.cookie = cookieFor(HOUR)
    await write(store, mine)
    clock.now = NOW + 2000 + HOUR - 1
    expect(await read(store)).not.toBeNull()
  })
})

describe('set of what cannot be stored', () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle

  it.each([
    ['a BigInt', { cookie: {}, count: 1n, other: 'the-secret' }, /"count"/],
    ['a cycle', { cookie: {}, cycle: { secret: 'the-secret', cycle } }, /"cycle"/],
    ['an array', ['the-secret'], /no keys/],
    ['an object that JSON takes for text', { toJSON: () => 'the-secret' }, /toJSON/],
  ])('fails with INVALID_VALUE for %s, says where, and stores nothing', async (_, session, where) => {
    const store = openSessStore()
    const failure: unknown = await write(store, session).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'SessError', code: 'INVALID_VALUE', message: expect.stringMatching(where) })
    expect(String(failure)).not.toContain('the-secret')
    expect(await read(store)).toBeNull()
  })

  it('fails with TOO_LARGE, and keeps the session as it was', async () => {
    const store = openSessStore({ maxBytes: 1000 })
    await write(store, { cookie: cookieFor(HOUR), one: 1 })
    const session = await found(store)
    session['large'] = 'x'.repeat(1000)
    await expect(write(store, session)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(await read(store)).toEqual({ cookie: cookieFor(HOUR), one: 1 })
    delete session['large']
    session['two'] = 2
    await write(store, session)
    expect(await read(store)).toEqual({ cookie: cookieFor(HOUR), one: 1, two: 2 })
  })
})

describe('callbacks', () => {
  it('are called after the call has returned', async () => {
    const store = openSessStore()
    const order: string[] = []
    const called = new Promise((resolve) => store.set('sid', { cookie: {} }, () => resolve(order.push('called'))))
    order.push('returned')
    await called
    expect(order).toEqual(['returned', 'called'])
  })

  it('are called in the context of the caller', async () => {
    const store = openSessStore()
    const context = new AsyncLocalStorage<string>()
    const seen = await context.run('request', () => {
      return new Promise((resolve) => store.get('sid', () => resolve(context.getStore())))
    })
    expect(seen).toBe('request')
  })

  it('get the error of an id that is none', async () => {
    const store = openSessStore()
    await expect(read(store, '')).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    await expect(destroy(store, '')).rejects.toMatchObject({ code: 'INVALID_VALUE' })
  })

  it('may be left out', async () => {
    const { store, calls } = openCounted()
    store.set('sid', { cookie: {} })
    store.touch('sid', { cookie: {} })
    store.destroy('sid')
    await read(store)
    expect(calls).toEqual(expect.arrayContaining(['create', 'read', 'destroy']))
  })

  it('give their errors to onError where they are left out', async () => {
    const failed = new Promise((resolve) => {
      openSessStore({ onError: resolve }).set('sid', { cookie: {}, big: 1n })
    })
    expect(await failed).toMatchObject({ code: 'INVALID_VALUE' })
  })

  it.each(['get', 'set', 'touch', 'destroy'])(
    'of %s that throw are called once, and nobody catches it',
    async (method) => {
      const program = `
      import { SessStore } from '@sess/express-session'
      const store = new SessStore('memory')
      let calls = 0
      process.on('uncaughtException', ({ message }) => console.log(message, calls))
      process.on('unhandledRejection', () => console.log('a rejection'))
      const args = { get: [], set: [{ cookie: {} }], touch: [{ cookie: {} }], destroy: [] }
      store['${method}']('sid', ...args['${method}'], () => { calls++; throw new Error('thrown') })
    `
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
        cwd: import.meta.dirname,
      })
      expect(stdout).toBe('thrown 1\n')
    },
  )
})

describe('load', () => {
  it('gives a session that saves itself', async () => {
    const store = openSessStore()
    await write(store, { cookie: cookieFor(HOUR), one: 1 })
    const session = await new Promise<object | undefined>((resolve) => {
      store.load('sid', (_, loaded) => Object.assign(Object(loaded), { two: 2 }).save(() => resolve(loaded)))
    })
    expect(session).toMatchObject({ id: 'sid', one: 1 })
    expect(await read(store)).toMatchObject({ one: 1, two: 2 })
  })

  it('gives none where there is no session', async () => {
    const given = new Promise((resolve) => {
      openSessStore().load('sid', (error, session) => resolve({ error, session }))
    })
    expect(await given).toEqual({ error: null, session: undefined })
  })

  it('fails with CORRUPT for a session without a cookie', async () => {
    const store = openSessStore()
    await write(store, { one: 1 })
    const failure = new Promise((resolve) => store.load('sid', resolve))
    expect(await failure).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('{ cookie: {}') })
  })
})

describe('regenerate', () => {
  it('ends the session before it makes another one', async () => {
    const store = openSessStore()
    await write(store, { cookie: cookieFor(HOUR) })
    const request = { sessionID: 'sid' }
    store.generate = (given) => (given.sessionID = 'another')
    await new Promise((resolve) => store.regenerate(request, resolve))
    expect({ stored: await read(store), request }).toEqual({ stored: null, request: { sessionID: 'another' } })
  })

  it('fails with INVALID_REQUEST in a program without express-session', async () => {
    const store = openSessStore()
    const failure = new Promise((resolve) => store.regenerate({ sessionID: 'sid' }, resolve))
    expect(await failure).toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('session({ store })'),
    })
  })

  it('hands what generate throws to the callback', async () => {
    const store = openSessStore()
    store.generate = () => {
      throw new Error('no id')
    }
    const failure = new Promise((resolve) => store.regenerate({ sessionID: 'sid' }, resolve))
    expect(await failure).toMatchObject({ message: 'no id' })
  })
})

describe('close', () => {
  it('makes later calls fail with CLOSED', async () => {
    const store = openSessStore()
    await store.close()
    await expect(read(store)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('is what await using calls', async () => {
    const store = openSessStore()
    await store[Symbol.asyncDispose]()
    await expect(read(store)).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('a bad option throws INVALID_OPTION', () => {
  const open = (name: string, options?: unknown) => () => Reflect.construct(SessStore, [name, options])

  it.each([
    ['a name that is missing', open(''), 'The first argument of SessStore() is an empty string'],
    ['the cookie store', open('cookie'), 'SessStore() needs a store on a server'],
    ['options that are null', open('memory', null), 'The options of SessStore() are null'],
    ['options that are an array', open('memory', []), 'The options of SessStore() are an array'],
    ['a ttl of zero', open('memory', { ttl: 0 }), 'Option SessStore.ttl is 0'],
    ['a ttl that is no duration', open('memory', { ttl: 'hunter2' }), 'Option SessStore.ttl is a string of 7'],
    ['a clock that is none', open('memory', { clock: 1 }), 'Option SessStore.clock is 1'],
    ['an option that nobody has', open('memory', { url: 'hunter2' }), '"url"'],
  ])('%s', (_, start, message) => {
    expect(start).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
    )
    expect(start).not.toThrow(/hunter2/)
  })
})
