import memory from '@sess/adapter-memory'
import type { Adapter } from '@sess/core/adapter'
import { testStore } from '@sess/conformance/jest'
import { describe, expect, it, vi } from 'vitest'

type Body = () => Promise<void>

/** What the binding registers with a runner that has Jest's globals. */
function registered(adapter: Adapter) {
  const tests = new Map<string, Body>()
  const skipped: string[] = []
  let name = ''
  const run = (title: string, body: Body) => void tests.set(title, body)
  const globals = {
    describe: (title: string, body: () => void) => {
      name = title
      body()
    },
    test: Object.assign(run, { skip: (title: string) => void skipped.push(title) }),
    beforeAll: () => {},
    afterAll: () => {},
  }
  testStore({ adapter, options: ({ scope }) => ({ scope }), backend: 'in-process' }, globals)
  return { tests, skipped, name }
}

/** A store that declares that it lacks `atomic`, and whose `create` is not atomic. */
const careless: Adapter = (options, context) => {
  const store = memory(options, context)
  if (store.kind !== 'server') throw new Error('expected a server store')
  return {
    ...store,
    lacks: ['atomic', 'durability'],
    create: async (key, entry) => {
      await store.destroy(key)
      return store.create(key, entry)
    },
  }
}

describe('the binding for Jest', () => {
  it('registers a test for each case, in a describe with the name of the store', async () => {
    const { name, tests } = registered(memory)
    expect(name).toBe('the memory store keeps the contract')
    await expect(tests.get('2.1 reads an unknown key as null, whatever its name')?.()).resolves.toBeUndefined()
  })

  it('takes the hooks of the global scope if none are passed, and says what to pass if there are none', () => {
    const harness = {
      adapter: memory,
      options: ({ scope }: { scope: string }) => ({ scope }),
      backend: 'in-process',
    } as const
    const run = (): void => {}
    const globals = { describe: (_: string, body: () => void) => body(), test: Object.assign(run, { skip: run }) }
    expect(() => testStore(harness, globals)).toThrow('Pass beforeAll of @jest/globals to testStore.')
    const [beforeAll, afterAll] = [vi.fn<() => void>(), vi.fn<() => void>()]
    vi.stubGlobal('beforeAll', beforeAll)
    vi.stubGlobal('afterAll', afterAll)
    testStore(harness, globals)
    vi.unstubAllGlobals()
    expect([beforeAll.mock.calls.length, afterAll.mock.calls.length]).toEqual([1, 1])
  })

  it('skips cases that the harness cannot run, with the reason', () => {
    const { skipped } = registered(memory)
    expect(skipped).toContain(
      "7.3 reports foreign bytes as CORRUPT and lets destroy remove them (skipped: backend: 'in-process' has no plant)",
    )
  })

  it('fails if a clause breaks', async () => {
    const { tests } = registered(careless)
    await expect(tests.get('1.2 refuses a taken key and leaves its entry untouched')?.()).rejects.toThrow(
      /^clause 1\.2 is broken/,
    )
  })

  it('names in the title what a store is exempt from, and does not fail there', async () => {
    const { tests } = registered(careless)
    const title = "1.3 lets one of 50 concurrent creates win, on two instances (exempt: the store lacks 'atomic')"
    await expect(tests.get(title)?.()).resolves.toBeUndefined()
  })
})
