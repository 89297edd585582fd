import type { Lack, ServerStore } from '@sess/core/adapter'
import { Breach, expectThat, show } from '../breach.js'
import type { Case, ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { create } from './01-create.js'
import { destroy } from './04-destroy.js'
import { withinDeadline } from '../stage/within-deadline.js'
import { update } from './03-update.js'

const LACKS = new Set<unknown>(['atomic', 'fresh', 'retention', 'durability'] satisfies Lack[])
const METHODS = ['create', 'read', 'update', 'destroy', 'close'] as const

/** A field of an object, whatever its type says. */
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
  expectField('name', (value) => typeof value === 'string' && value !== '', 'a name')
  expectField('maxBytes', isPositiveInteger, 'a positive integer')
  if (kind === 'server') expectField('deadline', isPositiveInteger, 'a positive integer')
  for (const method of methods) expectField(method, (value) => typeof value === 'function', 'a function')
  // Whoever asks whether a value is a promise asks for this.
  expectField('then', (value) => value === undefined, 'none: a store is no promise')
}

/** That the backend really cannot do it: that of the cases exempted by that word, one at least breaks. */
async function expectLacking(word: Lack, run: (one: Case<ServerStage>) => Promise<boolean>) {
  const exempted = [create, update, destroy].flatMap((clauses) => clauses.flatMap(({ cases }) => cases))
  for (const one of exempted) if (one.lack === word && !(await run(one))) return
  const done = `lacks: ['${word}'], and every case that the word exempts`
  throw new Breach(done, 'one at least that the store does not pass', 'it passes them all')
}

async function passes(stage: ServerStage, one: Case<ServerStage>): Promise<boolean> {
  const own = stage.another()
  try {
    await one.run(own)
    return true
  } catch {
    return false
  } finally {
    await own.close()
  }
}

/** What a word says of an entry that something was done to: gone where the store lacks it, else there. */
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
    says: 'A store has the fields and methods of its interface, of their types; maxBytes and deadline are positive integers and true.',
    cases: [
      {
        title: 'has the fields and methods of a server store',
        run: async (stage) => {
          const store: ServerStore = stage.open()
          expectFields(store, 'server', store.prune === undefined ? METHODS : [...METHODS, 'prune'])
        },
      },
      {
        title: 'answers each method with a promise',
        run: async (stage) => {
          const store = stage.open()
          const calls = {
            create: store.create('key', entry('data')),
            read: store.read('key'),
            update: store.update('key', entry('data'), 'none'),
            destroy: store.destroy('key'),
            ...(store.prune && { prune: store.prune(1) }),
            close: store.close(),
          }
          await withinDeadline(store, 'a call of each method', () => Promise.allSettled(Object.values(calls)))
          for (const [name, call] of Object.entries(calls))
            expectThat(call instanceof Promise, `what ${name} returns`, 'a promise', call)
        },
      },
    ],
  },
  {
    id: '10.2',
    says: 'lacks names only what the backend cannot do, and everything that it cannot.',
    cases: [
      {
        title: 'declares words of the contract, each once',
        run: async (stage) => {
          const lacks: unknown = fieldOf(stage.open(), 'lacks')
          const words: readonly unknown[] = Array.isArray(lacks) ? lacks : []
          const isRight = (lacks === undefined || Array.isArray(lacks)) && words.every((word) => LACKS.has(word))
          expectThat(isRight, "the store's field lacks", `none, or some of ${[...LACKS].join(', ')}`, lacks)
          expectThat(new Set(words).size === words.length, "the store's field lacks", 'each word once', lacks)
        },
      },
      {
        title: 'declares nothing that it can do after all',
        run: async (stage) => {
          for (const word of stage.open().lacks ?? [])
            if (word === 'atomic' || word === 'fresh') await expectLacking(word, (one) => passes(stage, one))
        },
      },
      {
        title: 'declares whether entries survive a restart',
        needs: ['restart'],
        isAlone: true,
        run: (stage) =>
          expectDeclared(stage, 'durability', 'a restart of the backend', () => stage.backend.restart?.()),
      },
      {
        title: 'declares whether the backend evicts',
        needs: ['evict'],
        isAlone: true,
        run: (stage) => expectDeclared(stage, 'retention', 'eviction', () => stage.backend.evict?.(stage.scope)),
      },
    ],
  },
]
