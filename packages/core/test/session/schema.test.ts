import cookie from '@sess/adapter-cookie'
import { bridge } from '@sess/core/bridge'
import { describe, expect, test } from 'vitest'
import { codeOf, failureOf } from '../../../../tests/support/stores.ts'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { type Deploy, deploy } from '../support/deploy.ts'
import { FormerLibrary } from '../support/former-library.ts'
import { LIBRARIES } from '../support/schemas.ts'

/** Several versions of an application, over the sessions of one store. */
interface Stage {
  readonly start: (options?: object) => Deploy
  /** A browser whose session holds these values. */
  readonly browse: (values: Readonly<Record<string, unknown>>) => Promise<Browser>
  /** What is stored. */
  readonly stored: (browser: Browser) => Promise<unknown>
}

function stageOn(store: unknown): Stage {
  const { sess } = deploy(store)
  const start = (options?: object) => deploy(store, options)
  const stored = (browser: Browser) => browser.at(sess).see()
  const browse = async (values: Readonly<Record<string, unknown>>) => {
    const browser = new Browser(sess)
    await browser.visit((session) => void Object.assign(session, values))
    return browser
  }
  return { start, browse, stored }
}

const KINDS: readonly (readonly [kind: string, stage: () => Stage])[] = [
  ['memory', () => stageOn(new CountedStore())],
  ['cookie', () => stageOn(cookie)],
]

/** The messages of errors that `onError` was told. */
const messages = (errors: readonly unknown[]): readonly string[] =>
  errors.map((error) => (error instanceof Error ? error.message : 'no error'))

const pathsIn = (errors: readonly unknown[]): readonly string[] =>
  messages(errors).map((message) => message.slice(0, message.indexOf(' ')))

describe.each(LIBRARIES)('a schema of %s', (_library, schemas) => {
  describe.each(KINDS)('on the %s store', (_kind, stage) => {
    test('leaves what fits as it is', async () => {
      const { start, browse } = stage()
      const browser = (await browse({ name: 'ada' })).at(start({ schema: schemas.shop }).sess)
      await browser.visit((session) => {
        session['userId'] = 7
        session['cart'] = [{ title: 'Emma' }]
      })
      expect(await browser.see()).toEqual({ name: 'ada', userId: 7, cart: [{ title: 'Emma' }] })
    })

    test('lets a stored value that does not fit read as absent, and keeps the other keys', async () => {
      const { start, browse } = stage()
      const browser = (await browse({ userId: '7', name: 'ada' })).at(start({ schema: schemas.shop }).sess)
      expect(await browser.see()).toEqual({ name: 'ada' })
      expect(await browser.visit((session) => [session['userId'], 'userId' in session])).toEqual([undefined, false])
    })

    test('leaves it stored when another key is written', async () => {
      const { start, browse, stored } = stage()
      const before = await browse({ userId: '7', name: 'ada' })
      const browser = before.at(start({ schema: schemas.shop }).sess)
      await browser.visit((session) => (session['name'] = 'grace'))
      expect(await stored(browser)).toEqual({ userId: '7', name: 'grace' })
    })

    test('refuses what a handler assigns, and stores nothing of that request', async () => {
      const { start, browse, stored } = stage()
      const browser = (await browse({ name: 'ada' })).at(start({ schema: schemas.shop }).sess)
      const visit = browser.visit((session) => Object.assign(session, { name: 'grace', userId: 'a secret' }))
      expect(await failureOf(visit)).toMatchObject({ code: 'INVALID_VALUE', status: 500 })
      expect(await stored(browser)).toEqual({ name: 'ada' })
    })
  })

  const onMemory = (): Stage => stageOn(new CountedStore())

  test('tells onError once of each key that does not fit, by its path and without its value', async () => {
    const { start, browse } = onMemory()
    const values = { userId: 'a secret', cart: [{ title: 'Emma' }, { title: 4711 }] }
    const { sess, errors } = start({ schema: schemas.shop })
    const browser = (await browse(values)).at(sess)
    await browser.visit(() => undefined)
    expect(errors).toHaveLength(2)
    await browser.see()
    expect(pathsIn(errors).toSorted()).toEqual(['session["cart"][1].title', 'session["userId"]'])
    expect(errors).toEqual([
      expect.objectContaining({ code: 'INVALID_VALUE' }),
      expect.objectContaining({ code: 'INVALID_VALUE' }),
    ])
    expect(messages(errors).join()).not.toMatch(/secret|4711/)
  })

  test('names the path of a value that a handler made unfit, and not the value', async () => {
    const { start, browse } = onMemory()
    const browser = (await browse({ cart: [{ title: 'Emma' }] })).at(start({ schema: schemas.shop }).sess)
    const { message } = await failureOf(
      browser.visit((session) => {
        const cart = session['cart']
        if (Array.isArray(cart)) cart.push({ title: 4711 })
      }),
    )
    expect(message).toMatch(/^session\["cart"\]\[1\]\.title does not fit the schema: it is a number\./)
    expect(message).not.toContain('4711')
  })

  test('fails a save with what does not fit', async () => {
    const { start } = onMemory()
    const browser = new Browser(start({ schema: schemas.shop }).sess)
    const saving = browser.visit(async (session) => {
      session['userId'] = 'a secret'
      return codeOf(session.save())
    }, 400)
    expect(await saving).toBe('INVALID_VALUE')
  })

  test.each([
    ['an assignment', (session: Record<string, unknown>) => (session['userId'] = 8), 8],
    ['an assignment of undefined', (session: Record<string, unknown>) => (session['userId'] = undefined), undefined],
    ['delete', (session: Record<string, unknown>) => delete session['userId'], undefined],
  ])('lets %s replace what does not fit', async (_name, change, userId) => {
    const { start, browse, stored } = onMemory()
    const browser = (await browse({ userId: '7', name: 'ada' })).at(start({ schema: schemas.shop }).sess)
    await browser.visit((session) => void change(session))
    expect(await stored(browser)).toEqual({ ...(userId && { userId }), name: 'ada' })
  })

  test('lets take find nothing where a value does not fit, and leave it stored', async () => {
    const { start, browse, stored } = onMemory()
    const browser = (await browse({ userId: '7', name: 'ada' })).at(start({ schema: schemas.shop }).sess)
    const taken = await browser.visit((session) => {
      session['name'] = 'grace'
      return session.take('userId')
    })
    expect(taken).toBeUndefined()
    expect(await stored(browser)).toEqual({ userId: '7', name: 'grace' })
  })

  test('lets a session lack the keys that it requires, and checks the others', async () => {
    const { start, stored } = onMemory()
    const { sess, errors } = start({ schema: schemas.required })
    const browser = new Browser(sess)
    await browser.visit((session) => (session['name'] = 'ada'))
    expect(await browser.see()).toEqual({ name: 'ada' })
    await browser.visit((session) => (session['userId'] = 7))
    await browser.visit((session) => delete session['name'])
    expect(await stored(browser)).toEqual({ userId: 7 })
    expect(await codeOf(browser.visit((session) => (session['cart'] = [{ title: 1 }])))).toBe('INVALID_VALUE')
    expect(errors).toEqual([])
  })

  test('that refuses unknown keys hides what another version stored, and keeps it', async () => {
    const { start, browse, stored } = onMemory()
    const { sess, errors } = start({ schema: schemas.strict })
    const browser = (await browse({ theme: 'dark', name: 'ada', beta: true, userId: 7 })).at(sess)
    expect(await browser.see()).toEqual({ name: 'ada', userId: 7 })
    await browser.visit((session) => (session['name'] = 'grace'))
    expect(await stored(browser)).toEqual({ theme: 'dark', name: 'grace', beta: true, userId: 7 })
    expect(pathsIn(errors)).toEqual(['session["theme"]', 'session["beta"]'])
  })

  test('that leaves out unknown keys hides what another version stored without a word, and keeps it', async () => {
    const { start, browse, stored } = onMemory()
    const { sess, errors } = start({ schema: schemas.stripping })
    const browser = (await browse({ theme: 'dark', name: 'ada' })).at(sess)
    expect(await browser.see()).toEqual({ name: 'ada' })
    await browser.visit((session) => (session['name'] = 'grace'))
    expect(await stored(browser)).toEqual({ theme: 'dark', name: 'grace' })
    expect(errors).toEqual([])
  })

  test.each([
    ['refuses', schemas.strict],
    ['leaves out', schemas.stripping],
  ])('that %s unknown keys refuses to store one', async (_does, schema) => {
    const { start, browse, stored } = onMemory()
    const browser = (await browse({ name: 'ada', beta: true })).at(start({ schema }).sess)
    const failure = await failureOf(browser.visit((session) => (session['theme'] = 'dark')))
    expect(failure.code).toBe('INVALID_VALUE')
    expect(failure.message).toMatch(/^session\["theme"\] does not fit the schema: /)
    expect(await stored(browser)).toEqual({ name: 'ada', beta: true })
  })

  describe('that transforms', () => {
    test('shows what it makes of what is stored, and stores what is assigned', async () => {
      const { start, browse, stored } = onMemory()
      const browser = (await browse({ visits: '5', name: ' ada ' })).at(start({ schema: schemas.reading }).sess)
      expect(await browser.see()).toEqual({ visits: 5, name: 'ada' })
      await browser.visit((session) => (session['name'] = ' grace '))
      expect(await stored(browser)).toEqual({ visits: '5', name: ' grace ' })
      expect(await browser.see()).toEqual({ visits: 5, name: 'grace' })
    })

    test('gives an update what it makes of the value', async () => {
      const { start, browse, stored } = onMemory()
      const browser = (await browse({ visits: '5' })).at(start({ schema: schemas.reading }).sess)
      const seen = await browser.visit((session) => session.update('visits', (visits) => Number(visits) + 1))
      expect(seen).toBe(6)
      expect(await stored(browser)).toEqual({ visits: 6 })
    })

    test('lets an update that changes nothing leave what is stored', async () => {
      const store = new CountedStore()
      const { start, browse, stored } = stageOn(store)
      const browser = (await browse({ visits: '5' })).at(start({ schema: schemas.reading }).sess)
      store.take()
      await browser.visit((session) => session.update('visits', (visits) => visits))
      expect(store.take()).toEqual(['read'])
      expect(await stored(browser)).toEqual({ visits: '5' })
    })

    test('does not mistake what it makes for the change of another request', async () => {
      const { start, browse, stored } = onMemory()
      const { sess } = start({ schema: schemas.reading })
      const browser = (await browse({ visits: '5', name: ' ada ' })).at(sess)
      await browser.visit(async (session) => {
        await browser.at(sess).visit((other) => (other['name'] = 'grace'))
        session['visits'] = Number(session['visits']) + 1
      })
      expect(await stored(browser)).toEqual({ visits: 6, name: 'grace' })
    })

    test('notices that another request has changed a value that was read', async () => {
      const { start, browse, stored } = onMemory()
      const { sess } = start({ schema: schemas.reading })
      const browser = (await browse({ visits: '5' })).at(sess)
      const visit = browser.visit(async (session) => {
        const visits = Number(session['visits'])
        // It reads as the same number.
        await browser.at(sess).visit((other) => (other['visits'] = '5.0'))
        session['visits'] = visits + 1
      })
      expect(await codeOf(visit)).toBe('CONFLICT')
      expect(await stored(browser)).toEqual({ visits: '5.0' })
    })

    test('runs an update again on what it makes of the newest value', async () => {
      const { start, browse, stored } = onMemory()
      const { sess } = start({ schema: schemas.reading })
      const browser = (await browse({ visits: '5' })).at(sess)
      await browser.visit(async (session) => {
        session.update('visits', (visits) => (typeof visits === 'number' ? visits + 1 : -1))
        await browser.at(start().sess).visit((other) => (other['visits'] = '10'))
      })
      expect(await stored(browser)).toEqual({ visits: 11 })
    })

    test('lets a take leave the newer value of another request as it is stored', async () => {
      const { start, browse, stored } = onMemory()
      const browser = (await browse({ name: ' ada ' })).at(start({ schema: schemas.reading }).sess)
      const taken = await browser.visit(async (session) => {
        const name = session.take('name')
        await browser.at(start().sess).visit((other) => (other['name'] = ' grace '))
        return name
      })
      expect(taken).toBe('ada')
      expect(await stored(browser)).toEqual({ name: ' grace ' })
    })

    test('shows after a save what it makes of what another request has stored', async () => {
      const { start, browse } = onMemory()
      const browser = (await browse({ visits: '5' })).at(start({ schema: schemas.reading }).sess)
      const seen = await browser.visit(async (session) => {
        session['name'] = 'ada'
        await browser.at(start().sess).visit((other) => (other['visits'] = '10'))
        await session.save()
        return session['visits']
      })
      expect(seen).toBe(10)
    })
  })

  test('lets go of an object that an update left as it is, once the session is saved', async () => {
    const { start, browse, stored } = onMemory()
    const browser = (await browse({ list: ['5'] })).at(start({ schema: schemas.lists }).sess)
    await browser.visit(async (session) => {
      session.update('list', (list) => list)
      session['name'] = 'ada'
      await session.save()
      session['name'] = 'grace'
    })
    expect(await stored(browser)).toEqual({ list: ['5'], name: 'grace' })
  })

  test('refuses an update that does not fit once it has run on the newest value', async () => {
    const { start, browse, stored } = onMemory()
    const { sess } = start({ schema: schemas.limited })
    const browser = (await browse({ visits: 1 })).at(sess)
    const visit = browser.visit(async (session) => {
      session.update('visits', (visits) => Number(visits) + 1)
      await browser.at(sess).visit((other) => (other['visits'] = 2))
    })
    expect(await codeOf(visit)).toBe('INVALID_VALUE')
    expect(await stored(browser)).toEqual({ visits: 2 })
  })

  test('shows a default, and stores it only with a change', async () => {
    const store = new CountedStore()
    const { start, stored } = stageOn(store)
    const { sess } = start({ schema: schemas.defaulting })
    const browser = new Browser(sess)
    expect(await browser.see()).toEqual({ visits: 0 })
    expect(await browser.visit((session) => sess.id(session))).toBeUndefined()
    expect([store.take(), browser.jar.size]).toEqual([[], 0])
    await browser.visit((session) => session.update('visits', (visits) => Number(visits) + 1))
    expect(await stored(browser)).toEqual({ visits: 1 })
  })

  test('is that of each slice, where slices open one session in one request', async () => {
    const store = new CountedStore()
    const { browse, stored } = stageOn(store)
    const [shop, reading, unchecked] = [{ schema: schemas.strict }, { schema: schemas.reading }, {}].map(
      (options) => deploy(store, options).sess,
    )
    const browser = await browse({ visits: '5', name: ' ada ' })
    const handle = shop?.fetch(async (request) => {
      const one = await shop.open(request)
      const [other, whole] = [await reading?.open(request), await unchecked?.open(request)]
      const seen = [{ ...one }, { ...other }, { ...whole }]
      other?.update('visits', (visits) => Number(visits) + 1)
      one['name'] = 'grace'
      return Response.json([...seen, whole?.['visits'], other?.['name']])
    })
    const request = new Request('https://a.example/', { headers: { cookie: browser.cookie } })
    expect(await (await handle?.(request))?.json()).toEqual([
      { name: ' ada ' },
      { visits: 5, name: 'ada' },
      { visits: '5', name: ' ada ' },
      6,
      'grace',
    ])
    expect(await stored(browser)).toEqual({ visits: 6, name: 'grace' })
  })

  test('with a rule for several keys refuses the change that breaks it, and hides what does', async () => {
    const { start, browse, stored } = onMemory()
    const { sess, errors } = start({ schema: schemas.together })
    const browser = (await browse({ from: 1, to: 2 })).at(sess)
    const failure = await failureOf(browser.visit((session) => (session['from'] = 3)))
    expect(failure.message).toMatch(/^session\["from"\] does not fit the schema: the values do not fit together\./)
    // Also beside a key that another version has stored, and that does not fit.
    await browser.at(start().sess).visit((session) => (session['at'] = 'a text'))
    expect(await codeOf(browser.visit((session) => (session['from'] = 3)))).toBe('INVALID_VALUE')
    await browser.at(start().sess).visit((session) => (session['from'] = 3))
    expect(await browser.see()).toEqual({ from: 3 })
    expect(await stored(browser)).toEqual({ from: 3, to: 2, at: 'a text' })
    expect(pathsIn(errors)).toEqual(['session["at"]', 'session["to"]'])
  })

  test('that throws at a stored value hides that key alone', async () => {
    const { start, browse, stored } = onMemory()
    const { sess, errors } = start({ schema: schemas.throwing })
    const browser = (await browse({ name: 'a secret', userId: 7 })).at(sess)
    expect(await browser.see()).toEqual({ userId: 7 })
    expect(pathsIn(errors)).toEqual(['session["name"]'])
    expect(messages(errors).join()).not.toContain('a secret')
    expect(await codeOf(browser.visit((session) => (session['name'] = 'another secret')))).toBe('INVALID_VALUE')
    expect(await stored(browser)).toEqual({ name: 'a secret', userId: 7 })
  })

  test('reads what sess.read and the list of an owner show', async () => {
    const { start, browse } = onMemory()
    const browser = (await browse({ name: 4711 })).at(start({ schema: schemas.shop, owner: 'userId' }).sess)
    await browser.visit((session) => (session['userId'] = 7))
    const { sess } = start({ schema: schemas.shop, owner: 'userId' })
    const request = new Request('https://a.example/', { headers: { cookie: browser.cookie } })
    expect(await sess.read(request)).toEqual({ userId: 7 })
    expect((await sess.owner(7).sessions()).map(({ data }) => data)).toEqual([{ userId: 7 }])
  })

  test('reads what is taken over from another library', async () => {
    const former = new FormerLibrary()
    const { start, stored } = onMemory()
    const { sess } = start({ schema: schemas.shop, migrate: [former] })
    const browser = new Browser(sess)
    browser.jar.set('former.sid', former.begin('id', { userId: '7', name: 'ada' }))
    expect(await browser.see()).toEqual({ name: 'ada' })
    expect(await stored(browser)).toEqual({ userId: '7', name: 'ada' })
  })

  test('holds for a session that a bridge uses', async () => {
    const { start, browse, stored } = onMemory()
    const browser = (await browse({ userId: '7', name: 'ada' })).at(start({ schema: schemas.shop }).sess)
    expect(await browser.visit((session) => bridge(session).keys())).toEqual(['name'])
    expect(await codeOf(browser.visit((session) => bridge(session).set('name', 1)))).toBe('INVALID_VALUE')
    expect(await stored(browser)).toEqual({ userId: '7', name: 'ada' })
  })

  test('lets a logout succeed although what was assigned after it does not fit', async () => {
    const store = new CountedStore()
    const { start, browse, stored } = stageOn(store)
    const browser = (await browse({ name: 'ada' })).at(start({ schema: schemas.shop }).sess)
    const visit = browser.visit((session) => {
      session.destroy()
      session['name'] = 1
    })
    expect(await codeOf(visit)).toBe('INVALID_VALUE')
    expect(await stored(browser)).toEqual({})
  })
})
