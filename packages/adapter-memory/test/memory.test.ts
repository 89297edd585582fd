import { execFile } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import memory from '@sess/adapter-memory'
import { type AnyData, type Session, sessions } from '@sess/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { codeOf, entry, numbers, openUntyped, PAST, succeed } from '../../../tests/support/stores.ts'
import { newScope, openStore } from './stores.ts'

describe('in addition to the contract', () => {
  it('10.3 says that other processes do not see its sessions', async () => {
    const sess = sessions(openStore(), { secret: 'a secret for tests, of 32 bytes or more' })
    expect(await sess.check()).toEqual([
      {
        code: 'MEMORY_UNSHARED',
        severity: 'warning',
        message: expect.stringMatching(/other processes do not see them/),
      },
    ])
  })

  it('5.3 is one store in every instance of a scope, the default scope too', async () => {
    const [one, other] = [openUntyped(memory, {}), openUntyped(memory, { scope: 'default' })]
    const version = await succeed(one.create('5.3', entry('data')))
    expect(await other.read('5.3')).toEqual({ ...entry('data'), version })
    expect(await other.create('5.3', entry('other'))).toBeNull()
    await other.destroy('5.3')
    expect(await one.update('5.3', entry('revived'), version)).toBeNull()
  })

  it('6.1 and 6.2 reclaims at expiresAt, and not a millisecond before', async () => {
    const store = openStore()
    await succeed(store.create('key', entry('data', 1_700_000_000_000)))
    expect(await store.prune?.(1_699_999_999_999)).toBe(0)
    expect(await store.read('key')).toMatchObject(entry('data', 1_700_000_000_000))
    expect(await store.prune?.(1_700_000_000_000)).toBe(1)
    expect(await store.read('key')).toBeNull()
  })

  it('6.3 ends although entries are created as fast as it goes', async () => {
    const store = openStore()
    for (const n of numbers(3000)) await succeed(store.create(`key${n}`, entry('data')))
    const pruning = store.prune?.(Date.now())
    const ended = pruning?.then(() => false)
    let turns = 0
    while ((await Promise.race([ended, turn(true)])) && turns < 50) {
      turns++
      for (const n of numbers(1000)) await succeed(store.create(`later${turns}-${n}`, entry('data')))
    }
    expect(turns).toBeLessThan(10)
    expect(await pruning).toBe(0)
  })

  it('6.3 lets two prunes at once count each entry once', async () => {
    const scope = newScope()
    const [one, other] = [openStore({ scope }), openStore({ scope })]
    for (const n of numbers(5000)) await succeed(one.create(`key${n}`, entry('data', PAST)))
    const counts = await Promise.all([one.prune?.(Date.now()), other.prune?.(Date.now())])
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(5000)
  })

  it('7.1 refuses a session that it has no room for, and says what to do', async () => {
    const store = openStore({ maxEntries: 2 })
    await succeed(store.create('one', entry('1')))
    await succeed(store.create('two', entry('2')))
    const refused = store.create('three', entry('3'))
    await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 503 })
    await expect(refused).rejects.toThrow(/full: it holds 2 sessions.*Raise maxEntries/)
    expect(await store.read('three')).toBeNull()
  })

  it('7.8 refuses a login where it is full; the session stays, and can be read, changed and logged out', async () => {
    const sess = sessions(memory, { secret: 'a secret of at least thirty-two bytes', scope: newScope(), maxEntries: 1 })
    onTestFinished(() => sess.close())
    let cookie = ''
    const visit = async (use: (session: Session<AnyData>) => unknown) => {
      const exchange = sess.exchange(cookie)
      const session = await exchange.open()
      use(session)
      const found = { ...session }
      const headers = await exchange.commit(200)
      cookie = headers.find(([name]) => name === 'set-cookie')?.[1].replace(/;.*/, '') ?? cookie
      return found
    }
    await visit((session) => (session['user'] = 7))
    await expect(visit((session) => session.regenerate())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await visit((session) => (session['cart'] = ['book']))
    expect(await visit(() => undefined)).toEqual({ user: 7, cart: ['book'] })
    await visit((session) => session.destroy())
    expect(await visit(() => undefined)).toEqual({})
    await visit((session) => (session['user'] = 8))
    expect(await visit(() => undefined)).toEqual({ user: 8 })
  })

  it('7.2 works again when there is room again', async () => {
    const store = openStore({ maxEntries: 1 })
    await succeed(store.create('one', entry('1')))
    expect(await codeOf(() => store.create('two', entry('2')))).toBe('UNAVAILABLE')
    await store.destroy('one')
    await succeed(store.create('two', entry('2')))
    expect(await codeOf(() => store.create('three', entry('3')))).toBe('UNAVAILABLE')
  })

  it('7.5 ends calls in flight, and a long prune at its next step', async () => {
    const scope = newScope()
    const [one, other] = [openStore({ scope }), openStore({ scope })]
    for (const n of numbers(50_000)) await succeed(one.create(`key${n}`, entry('data', PAST)))
    const pruning = one.prune?.(Date.now())
    const reading = one.read('key49999')
    await one.close()
    expect(await reading).toMatchObject(entry('data', PAST))
    const pruned = (await pruning) ?? 0
    expect(pruned).toBeGreaterThan(0)
    expect(pruned).toBeLessThan(5000)
    expect(await other.prune?.(Date.now())).toBe(50_000 - pruned)
  })

  it('7.6 refuses an unknown option and names those there are', () => {
    const open = () => openUntyped(memory, { maxEntry: 5 })
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(/maxEntry.*scope, maxEntries, maxBytes/)
  })

  it.each([
    ['memory', undefined, 'missing'],
    ['memory', null, 'null'],
    ['memory', [], 'an array'],
    ['memory', 'hunter2', 'a string of 7 characters'],
    ['memory.scope', { scope: '' }, 'an empty string'],
    ['memory.scope', { scope: 5 }, '5'],
    ['memory.scope', { scope: null }, 'null'],
    ['memory.maxEntries', { maxEntries: 0 }, '0'],
    ['memory.maxEntries', { maxEntries: -1 }, '-1'],
    ['memory.maxEntries', { maxEntries: 1.5 }, '1.5'],
    ['memory.maxEntries', { maxEntries: Number.NaN }, 'NaN'],
    ['memory.maxEntries', { maxEntries: Infinity }, 'Infinity'],
    ['memory.maxEntries', { maxEntries: 2 ** 23 + 1 }, '8388609'],
    ['memory.maxEntries', { maxEntries: 'hunter2' }, 'a string of 7 characters'],
    ['memory.maxEntries', { maxEntries: null }, 'null'],
    ['memory.maxBytes', { maxBytes: 0 }, '0'],
    ['memory.maxBytes', { maxBytes: 2 ** 40 }, '1099511627776'],
    ['memory.maxBytes', { maxBytes: {} }, 'an object'],
    ['memory.maxBytes', { maxBytes: true }, 'true'],
  ])('7.6 refuses a bad option: %s of %j', (path, options, given) => {
    const open = () => openUntyped(memory, options)
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(`Option ${path} is ${given}; expected `)
    expect(open).not.toThrow(/hunter2/)
  })

  it('7.7 does not keep a process alive that never closes it', async () => {
    const program = `
      import memory from '@sess/adapter-memory'
      const store = memory({}, undefined)
      await store.create('key', { data: 'data', expiresAt: 1 })
      process.stdout.write(String(await store.prune(Date.now())))
    `
    const arguments_ = ['--input-type=module', '--eval', program]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, arguments_, {
      cwd: import.meta.dirname,
      timeout: 15_000,
    })
    expect({ stdout, stderr }).toEqual({ stdout: '1', stderr: '' })
  })

  it('10.2 lacks durability: a scope is empty when it is opened again', async () => {
    const scope = newScope()
    const before = openStore({ scope })
    await succeed(before.create('key', entry('data')))
    await before.close()
    expect(before.lacks).toEqual(['durability'])
    expect(await openStore({ scope }).read('key')).toBeNull()
  })
})
