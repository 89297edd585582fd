import type { Entry, ServerStore, Version } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { Breach, expectSame, expectThat, show } from '../breach.js'
import { chance } from '../history/chance.js'
import type { ServerClause } from '../case.js'
import { explainHistory } from '../history/history.js'
import { recordHistory } from '../history/recorder.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers } from '../stage/text.js'

type Method = 'create' | 'read' | 'update' | 'destroy'

interface Command {
  readonly method: Method
  readonly key: 'a' | 'b' | 'A'
  readonly data: string
  /** For an update: how many versions of the key to go back. 0 is the current version. */
  readonly back: number
}

const command: fc.Arbitrary<Command> = fc.record({
  method: fc.constantFrom('create', 'read', 'update', 'update', 'update', 'destroy'),
  key: fc.constantFrom('a', 'a', 'a', 'b', 'A'),
  data: fc.string({ unit: 'binary', maxLength: 8 }),
  back: fc.constantFrom(0, 0, 0, 0, 0, 1, 2),
})

function tell({ method, key, data, back }: Command): string {
  if (method === 'read' || method === 'destroy') return `${method}(${key})`
  if (method === 'create') return `create(${key}, ${show(data)})`
  const which = back === 0 ? 'the current version' : `the version ${back} before the current one`
  return `update(${key}, ${show(data)}, ${which})`
}

/** An in-memory model of a store. */
class Model {
  readonly #entries = new Map<string, Entry & { version: Version }>()
  /** Every version of a key, newest last. */
  readonly #versions = new Map<string, Version[]>()

  at(key: string): (Entry & { version: Version }) | null {
    return this.#entries.get(key) ?? null
  }

  version(key: string, back: number): Version {
    return this.#versions.get(key)?.at(-1 - back) ?? 'none'
  }

  put(key: string, given: Entry, version: Version): void {
    this.#entries.set(key, { ...given, version })
    this.#versions.set(key, [...(this.#versions.get(key) ?? []), version])
  }

  remove(key: string): void {
    this.#entries.delete(key)
  }
}

/** Runs the commands on a store and on the model, and compares both at every step. `prefix` separates runs. */
async function compare(store: ServerStore, prefix: string, commands: readonly Command[]): Promise<void> {
  const model = new Model()
  const told = commands.map(tell)
  for (const [at, one] of commands.entries()) {
    const key = prefix + one.key
    const done = told.slice(0, at + 1).join(', ')
    const held = model.at(key)
    const given = entry(one.data, Date.now() + 3_600_000 + at)
    if (one.method === 'read') expectSame(done, await store.read(key), held)
    else if (one.method === 'destroy') {
      await store.destroy(key)
      model.remove(key)
    } else {
      const version = one.method === 'update' ? model.version(key, one.back) : ''
      const isTaken = one.method === 'create' ? held === null : held?.version === version
      const came = await (one.method === 'create' ? store.create(key, given) : store.update(key, given, version))
      if (!isTaken) expectSame(done, came, null)
      else {
        expectThat(came !== null && came !== model.version(key, 0), done, 'a new version', came)
        model.put(key, given, came)
      }
    }
    for (const name of ['a', 'b', 'A'])
      expectSame(`${done}, then read(${name})`, await store.read(prefix + name), model.at(prefix + name))
  }
}

async function expectLikeModel(stage: ServerStage): Promise<void> {
  const store = stage.open()
  let runs = 0
  // Some faults show only after many steps, so sequences of every length are equally likely.
  const sequence = fc.array(command, { minLength: 1, maxLength: 40, size: 'max' })
  const property = fc.asyncProperty(sequence, (commands) => compare(store, `run${++runs}`, commands))
  const { failed, errorInstance, seed, numShrinks } = await fc.check(property, {
    numRuns: 25,
    plugins: [fc.unbiased()],
  })
  if (!failed) return
  if (!(errorInstance instanceof Breach)) throw errorInstance
  const { done, expected, came } = errorInstance
  throw new Breach(`${done} (shrunk ${numShrinks} times, seed ${seed})`, expected, came)
}

async function expectLinearizable(stores: readonly ServerStore[], from: number): Promise<void> {
  for (const round of numbers(12)) {
    const history = await recordHistory(stores, from + round)
    for (const operations of history.values()) {
      const story = explainHistory(operations)
      expectThat(
        story === undefined,
        `a history of four clients on two instances`,
        'an order of the calls that explains every result',
        story,
      )
    }
  }
}

const LINEAR =
  'Compare and write in one step in the backend, keep nothing in the process that another instance may change, and never send a write again.'

export const everything: readonly ServerClause[] = [
  {
    id: '9.1',
    says: 'Random sequences of calls on several keys agree with an in-memory model at every step.',
    cases: [
      {
        title: 'agrees with a model on random sequences of calls',
        hint: 'The calls above are the shortest that show it: make them one by one. Look for what an earlier call leaves behind, such as a cache or a counter.',
        run: expectLikeModel,
      },
    ],
  },
  {
    id: '9.2',
    says: 'Random concurrent histories over two instances are linearizable: some order of the calls, one at a time, explains every result. A write that failed with UNAVAILABLE may or may not have taken effect.',
    cases: [
      {
        title: 'is linearizable over two instances',
        hint: LINEAR,
        lacks: ['atomic', 'fresh'],
        run: (stage) => expectLinearizable([stage.open(), stage.open()], 100),
      },
      {
        title: 'is linearizable over two instances, with replies lost at random',
        hint: LINEAR,
        lacks: ['atomic', 'fresh'],
        needs: ['tcp'],
        run: async (stage) => {
          const proxy = await stage.proxy()
          const random = chance(9)
          await proxy.set({ loseReplyTo: (request) => request.includes('history') && random() < 0.15 })
          await expectLinearizable([stage.open(stage.scope, proxy.address), stage.open()], 200)
        },
      },
    ],
  },
]
