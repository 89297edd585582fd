import type { Lack, ServerStore } from '@sess/core/adapter'
import { Breach, describeError, expectThat, show } from '../breach.js'
import type { Case, ServerClause } from '../case.js'
import { release } from '../harness.js'
import { Late } from '../stage/pace.js'
import { entry, type ServerStage } from '../stage/server.js'
import { create } from './01-create.js'
import { destroy } from './04-destroy.js'
import { waitFor } from '../stage/within-deadline.js'
import { update } from './03-update.js'

const LACKS = new Set<unknown>(['atomic', 'fresh', 'retention', 'durability'] satisfies Lack[])
const METHODS = ['create', 'read', 'update', 'destroy', 'close'] as const

/** An instance exactly as the adapter returns it. It is closed with the stage. */
function openRaw(stage: ServerStage, address?: string): ServerStore {
  const store = stage.make(stage.optionsOf(stage.scope, address))
  stage.cleanUp(() => waitFor(store, release(store)))
  return store
}

/** Asserts that each method returns a promise. One that fails returns a promise that rejects, and does not throw. */
async function expectPromises(store: ServerStore, when: string, { isClosing = true } = {}): Promise<void> {
  const calls: Readonly<Record<string, () => unknown>> = {
    create: () => store.create('key', entry('data')),
    read: () => store.read('key'),
    update: () => store.update('key', entry('data'), 'none'),
    destroy: () => store.destroy('key'),
    ...(store.prune && { prune: () => store.prune?.(1) }),
    ...(store.check && { check: () => store.check?.() }),
    ...(isClosing && { close: () => store.close() }),
  }
  const came = Object.entries(calls).map(([name, call]) => [`what ${name} returns ${when}`, answerOf(call)] as const)
  await waitFor(store, Promise.allSettled(came.map(([, answer]) => answer)))
  for (const [done, answer] of came) expectThat(answer instanceof Promise, done, 'a promise', answer)
}

/** What a call returns, or in words what it throws. */
function answerOf(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return `it throws ${describeError(error)}`
  }
}

/** Reads a field regardless of the object's type. */
function fieldOf(store: object, name: string): unknown {
  return Reflect.get(store, name)
}

function isPositiveInteger(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0
}

export function expectFields(store: object, kind: 'server' | 'client', methods: readonly string[]): void {
  const expectField = (name: string, isRight: (value: unknown) => boolean, expected: string): void => {
    const value = fieldOf(store, name)
    expectThat(isRight(value), `the store's field ${name}`, expected, value)
  }
  expectField('contract', (value) => value === 1, '1')
  expectField('kind', (value) => value === kind, show(kind))
  expectField('name', (value) => typeof value === 'string' && value !== '', 'a non-empty string')
  expectField('maxBytes', isPositiveInteger, 'a positive integer')
  if (kind === 'server') expectField('deadline', isPositiveInteger, 'a positive integer')
  for (const method of methods) expectField(method, (value) => typeof value === 'function', 'a function')
  // `await` treats any object with a `then` method as a promise.
  expectField('then', (value) => value === undefined, 'undefined: a store must not be a thenable')
}

/** Asserts that the backend really cannot do it: at least one case that the word exempts must break. */
async function expectLacking(word: Lack, run: (one: Case<ServerStage>) => Promise<boolean>) {
  const exempted = [create, update, destroy].flatMap((clauses) => clauses.flatMap(({ cases }) => cases))
  for (const one of exempted) if (one.lacks?.includes(word) === true && !(await run(one))) return
  const done = `lacks: ['${word}'] against every case that the word exempts`
  throw new Breach(done, 'at least one case that the store fails', 'the store passes them all')
}

async function passes(stage: ServerStage, one: Case<ServerStage>): Promise<boolean> {
  const own = stage.another()
  try {
    await one.run(own)
    return true
  } catch (error) {
    const late = own.pace.lateness(error)
    if (late !== undefined) throw new Late(late)
    return false
  } finally {
    await own.close()
  }
}

/** Asserts that an entry is gone after `act` if the store lacks the word, and still there if it does not. */
async function expectDeclared(stage: ServerStage, word: Lack, done: string, act: () => Promise<void> | void) {
  const before = stage.open()
  await stage.create(before, 'key', entry('data'))
  await act()
  const isLeft = (await stage.open().read('key')) !== null
  const isLacking = before.lacks?.includes(word) === true
  const declared = isLacking ? `null: the store lacks '${word}'` : `the entry: the store does not lack '${word}'`
  expectThat(isLeft !== isLacking, `read after ${done}`, declared, isLeft ? 'the entry' : 'null')
}

export const object: readonly ServerClause[] = [
  {
    id: '10.1',
    says: 'A store has the fields and methods of its interface, with their types, and nothing else that core reads. Each method returns a promise, which rejects if the call fails: no method throws. maxBytes and deadline are positive integers and accurate.',
    cases: [
      {
        title: 'has the fields and methods of a server store',
        run: async (stage) => {
          const store = openRaw(stage)
          const optional = (['prune', 'check'] as const).filter((name) => store[name] !== undefined)
          expectFields(store, 'server', [...METHODS, ...optional])
        },
      },
      {
        title: 'returns a promise from each method',
        run: (stage) => expectPromises(openRaw(stage), 'on an open store'),
      },
      {
        title: 'returns a promise from each method after close',
        run: async (stage) => {
          const store = openRaw(stage)
          await waitFor(store, store.close())
          await expectPromises(store, 'after close')
        },
      },
      {
        title: 'returns a promise from each method while the backend is unreachable',
        needs: ['faults'],
        isAlone: 'without tcp',
        run: async (stage) => {
          const { faults, address } = await stage.faults()
          const store = openRaw(stage, address)
          await faults.begin()
          // The first round tells the store that the backend is away.
          for (const _ of [1, 2]) await expectPromises(store, 'while the backend is unreachable', { isClosing: false })
        },
      },
    ],
  },
  {
    id: '10.2',
    says: 'lacks names everything that the backend cannot do, and nothing that it can do. A backend in the process loses its entries with the process, so the store lacks durability.',
    cases: [
      {
        title: 'declares only words of the contract, each once',
        run: async (stage) => {
          const lacks: unknown = fieldOf(openRaw(stage), 'lacks')
          const words: readonly unknown[] = Array.isArray(lacks) ? lacks : []
          const isRight = (lacks === undefined || Array.isArray(lacks)) && words.every((word) => LACKS.has(word))
          expectThat(
            isRight,
            "the store's field lacks",
            `undefined, or a list of some of ${[...LACKS].join(', ')}`,
            lacks,
          )
          expectThat(new Set(words).size === words.length, "the store's field lacks", 'each word once', lacks)
        },
      },
      {
        title: 'does not declare that it lacks what it can do',
        run: async (stage) => {
          for (const word of stage.open().lacks ?? [])
            if (word === 'atomic' || word === 'fresh') await expectLacking(word, (one) => passes(stage, one))
        },
      },
      {
        title: 'declares that a backend in the process loses its entries with the process',
        run: async (stage) => {
          if (stage.harness.backend !== 'in-process') return
          const { lacks = [] } = stage.open()
          const expected = "a list with 'durability', or a harness whose backend has a restart that shows the opposite"
          expectThat(
            lacks.includes('durability'),
            "the lacks of a store whose backend is 'in-process'",
            expected,
            lacks,
          )
        },
      },
      {
        title: 'declares whether entries survive a restart',
        lacks: ['fresh'],
        needs: ['restart'],
        isAlone: true,
        run: (stage) =>
          expectDeclared(stage, 'durability', 'a restart of the backend', () => stage.backend.restart?.()),
      },
      {
        title: 'declares whether the backend evicts',
        lacks: ['fresh'],
        needs: ['evict'],
        isAlone: true,
        run: (stage) => expectDeclared(stage, 'retention', 'eviction', () => stage.backend.evict?.(stage.scope)),
      },
    ],
  },
]
