import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { explainHistory, type Operation } from '../../src/history/history.ts'
import { type Command, create, destroy, isLinearizable, play, read, update } from '../support/operations.ts'

type Histories = Readonly<Record<string, readonly Operation[]>>

const RIGHT: Histories = {
  nothing: [],
  'a life': [
    read([1, 2]),
    create([3, 4], 'a', 'v1'),
    read([5, 6], 'a', 'v1'),
    update([7, 8], 'v1', 'b', 'v2'),
    update([9, 10], 'v1', 'c', null),
    read([11, 12], 'b', 'v2'),
    create([13, 14], 'd', null),
    destroy([15, 16]),
    destroy([17, 18]),
    update([19, 20], 'v2', 'e', null),
    create([21, 22], 'a', 'v3'),
    read([23, 24], 'a', 'v3'),
  ],
  'the same data written again, at a version of its own': [
    create([1, 2], 'a', 'v1'),
    update([3, 4], 'v1', 'b', 'v2'),
    update([5, 6], 'v2', 'a', 'v3'),
    update([7, 8], 'v1', 'c', null),
    read([9, 10], 'a', 'v3'),
  ],
  'a concurrent read that sees the entry, and one that began earlier and does not': [
    create([1, 8], 'a', 'v1'),
    read([2, 6]),
    read([3, 5], 'a', 'v1'),
  ],
  'one winner of concurrent creates': [
    create([1, 4], 'a', null),
    create([2, 5], 'b', 'v1'),
    create([3, 6], 'c', null),
    read([7, 8], 'b', 'v1'),
  ],
  'one winner of concurrent updates': [
    create([1, 2], 'a', 'v1'),
    update([3, 6], 'v1', 'b', null),
    update([4, 5], 'v1', 'c', 'v2'),
    read([7, 8], 'c', 'v2'),
  ],
  'a create that is refused for an entry that is destroyed before its end': [
    create([1, 2], 'a', 'v1'),
    create([3, 6], 'b', null),
    destroy([4, 5]),
    read([7, 8]),
  ],
  'an update that wins before a concurrent destroy': [
    create([1, 2], 'a', 'v1'),
    destroy([3, 6]),
    update([4, 5], 'v1', 'b', 'v2'),
    read([7, 8]),
  ],
  'concurrent creates that both win, with a destroy between them': [
    create([1, 6], 'a', 'v1'),
    create([2, 5], 'b', 'v2'),
    destroy([3, 4]),
    read([7, 8], 'a', 'v1'),
  ],
  'calls that begin when another ends': [create([1, 2], 'a', 'v1'), destroy([2, 3]), read([3, 4], 'a', 'v1')],
  'a failed create that was never applied': [create([1], 'a'), read([2, 3]), create([4, 5], 'b', 'v1')],
  'a failed create that was applied at once': [create([1], 'a'), create([2, 3], 'b', null), read([4, 5], 'a', 'v1')],
  'a failed create that was applied late': [
    create([1], 'a'),
    read([2, 3]),
    create([4, 5], 'b', null),
    update([6, 7], 'v1', 'c', null),
    read([8, 9], 'a', 'v2'),
  ],
  'a failed create that was applied after a destroy': [
    create([1], 'a'),
    create([2, 3], 'b', 'v1'),
    destroy([4, 5]),
    read([6, 7], 'a', 'v2'),
  ],
  'a failed create that was updated at the version that a read told': [
    create([1], 'a'),
    read([2, 3], 'a', 'v1'),
    update([4, 5], 'v1', 'b', 'v2'),
    read([6, 7], 'b', 'v2'),
  ],
  'a failed create that is seen late, after another one that never was': [
    create([1], 'a'),
    create([2], 'b'),
    create([3, 4], 'c', null),
    destroy([5, 6]),
    read([7, 8], 'a', 'v1'),
  ],
  'a failed update that was never applied': [
    create([1, 2], 'a', 'v1'),
    update([3], 'v1', 'b'),
    read([4, 5], 'a', 'v1'),
    update([6, 7], 'v1', 'c', 'v2'),
    read([8, 9], 'c', 'v2'),
  ],
  'a failed update that was applied at once': [
    create([1, 2], 'a', 'v1'),
    update([3], 'v1', 'b'),
    update([4, 5], 'v1', 'c', null),
    read([6, 7], 'b', 'v2'),
    read([8, 9], 'b', 'v2'),
  ],
  'a failed update that was applied late': [
    create([1, 2], 'a', 'v1'),
    update([3], 'v1', 'b'),
    read([4, 5], 'a', 'v1'),
    read([6, 7], 'b', 'v2'),
  ],
  'failed writes of the same data, each seen at its version': [
    create([1], 'a'),
    create([2], 'a'),
    read([3, 4], 'a', 'v1'),
    destroy([5, 6]),
    read([7, 8], 'a', 'v2'),
  ],
  'a failed destroy that was never applied': [create([1, 2], 'a', 'v1'), destroy([3]), read([4, 5], 'a', 'v1')],
  'a failed destroy that removes a later entry': [
    destroy([1]),
    create([2, 3], 'a', 'v1'),
    read([4, 5], 'a', 'v1'),
    read([6, 7]),
    create([8, 9], 'b', 'v2'),
  ],
  'a failed read, whatever it would have seen': [create([1, 2], 'a', 'v1'), read([3]), destroy([4, 5])],
}

const WRONG: Histories = {
  'a lost create': [create([1, 2], 'a', 'v1'), read([3, 4])],
  'a lost update': [
    create([1, 2], 'a', 'v1'),
    update([3, 4], 'v1', 'b', 'v2'),
    update([5, 6], 'v1', 'c', 'v3'),
    read([7, 8], 'c', 'v3'),
  ],
  'two winners of one version': [
    create([1, 2], 'a', 'v1'),
    update([3, 6], 'v1', 'b', 'v2'),
    update([4, 5], 'v1', 'c', 'v3'),
  ],
  'two concurrent creates that win': [create([1, 4], 'a', 'v1'), create([2, 3], 'b', 'v2')],
  'a create over an entry': [create([1, 2], 'a', 'v1'), create([3, 4], 'b', 'v2')],
  'a create that is refused by nothing': [create([1, 2], 'a', null)],
  'a create that is refused by its own success': [create([1, 2], 'a', null), read([3, 4], 'a', 'v1')],
  'an update that is refused by nothing': [create([1, 2], 'a', 'v1'), update([3, 4], 'v1', 'b', null)],
  'an update that is refused by its own success': [
    create([1, 2], 'a', 'v1'),
    update([3, 4], 'v1', 'b', null),
    read([5, 6], 'b', 'v2'),
  ],
  'an update that creates': [update([1, 2], 'v1', 'a', 'v2')],
  'an update from a version that was never made': [create([1, 2], 'a', 'v1'), update([3, 4], 'v0', 'b', 'v2')],
  'a stale read': [create([1, 2], 'a', 'v1'), update([3, 4], 'v1', 'b', 'v2'), read([5, 6], 'a', 'v1')],
  'reads that go back in time': [
    create([1, 2], 'a', 'v1'),
    update([3, 8], 'v1', 'b', 'v2'),
    read([4, 5], 'b', 'v2'),
    read([6, 7], 'a', 'v1'),
  ],
  'a read of what was never written': [create([1, 2], 'a', 'v1'), read([3, 4], 'b', 'v1')],
  'a read at a version that was never made': [create([1, 2], 'a', 'v1'), read([3, 4], 'a', 'v2')],
  'a read of new data at the old version': [
    create([1, 2], 'a', 'v1'),
    update([3, 4], 'v1', 'b', 'v2'),
    read([5, 6], 'b', 'v1'),
  ],
  'a read of what is written later': [read([1, 2], 'a', 'v1'), create([3, 4], 'a', 'v1')],
  'a destroy that does nothing': [create([1, 2], 'a', 'v1'), destroy([3, 4]), read([5, 6], 'a', 'v1')],
  'an update after a destroy': [create([1, 2], 'a', 'v1'), destroy([3, 4]), update([5, 6], 'v1', 'b', 'v2')],
  'an entry revived by an update that was under way': [
    create([1, 2], 'a', 'v1'),
    update([3, 8], 'v1', 'b', 'v2'),
    destroy([4, 5]),
    read([6, 7]),
    read([9, 10], 'b', 'v2'),
  ],
  'an entry revived by a failed update': [
    create([1, 2], 'a', 'v1'),
    update([3], 'v1', 'b'),
    destroy([4, 5]),
    read([6, 7], 'b', 'v2'),
  ],
  'an update from an old version whose data has come back': [
    create([1, 2], 'a', 'v1'),
    update([3, 4], 'v1', 'b', 'v2'),
    update([5, 6], 'v2', 'a', 'v3'),
    update([7, 8], 'v1', 'c', 'v4'),
  ],
  'a version that comes back with an update': [
    create([1, 2], 'a', 'v1'),
    update([3, 4], 'v1', 'b', 'v2'),
    update([5, 6], 'v2', 'a', 'v1'),
  ],
  'a version that comes back with a new life': [create([1, 2], 'a', 'v1'), destroy([3, 4]), create([5, 6], 'b', 'v1')],
  'a version that comes back with a failed write': [
    create([1, 2], 'a', 'v1'),
    destroy([3, 4]),
    create([5], 'a'),
    read([6, 7], 'a', 'v1'),
  ],
  'an update that guesses the version of a failed create': [
    create([1], 'a'),
    update([2, 3], 'v1', 'b', 'v2'),
    read([4, 5], 'b', 'v2'),
  ],
  'a failed create applied twice': [
    create([1], 'a'),
    read([2, 3], 'a', 'v1'),
    destroy([4, 5]),
    read([6, 7], 'a', 'v2'),
  ],
  'a failed create applied twice, at one version': [
    create([1], 'a'),
    read([2, 3], 'a', 'v1'),
    destroy([4, 5]),
    read([6, 7], 'a', 'v1'),
  ],
  'a failed create applied before it began': [read([1, 2], 'a', 'v1'), create([3], 'a')],
  'a failed create over an entry': [create([1, 2], 'a', 'v1'), create([3], 'b'), read([4, 5], 'b', 'v2')],
  'a failed create read at two versions': [create([1], 'a'), read([2, 3], 'a', 'v1'), read([4, 5], 'a', 'v2')],
  'failed creates of other data read at one version': [
    create([1], 'a'),
    create([2], 'b'),
    read([3, 4], 'a', 'v1'),
    destroy([5, 6]),
    read([7, 8], 'b', 'v1'),
  ],
  'failed creates of the same data read at one version, with a destroy between': [
    create([1], 'a'),
    create([2], 'a'),
    read([3, 4], 'a', 'v1'),
    destroy([5, 6]),
    read([7, 8]),
    read([9, 10], 'a', 'v1'),
  ],
  'a failed update over a newer version': [
    create([1, 2], 'a', 'v1'),
    update([3], 'v1', 'b'),
    update([4, 5], 'v1', 'c', 'v2'),
    read([6, 7], 'b', 'v3'),
  ],
  'a failed update seen, and then undone': [
    create([1, 2], 'a', 'v1'),
    update([3], 'v1', 'b'),
    read([4, 5], 'b', 'v2'),
    read([6, 7], 'a', 'v1'),
  ],
  'a failed update from a version that was not current': [
    create([1, 2], 'a', 'v1'),
    update([3, 4], 'v1', 'b', 'v2'),
    update([5], 'v1', 'c'),
    read([6, 7], 'c', 'v3'),
  ],
  'a failed update applied twice': [
    create([1, 2], 'a', 'v1'),
    update([3], 'v1', 'b'),
    read([4, 5], 'b', 'v2'),
    update([6, 7], 'v2', 'c', 'v3'),
    read([8, 9], 'b', 'v4'),
  ],
  'a failed update that two updates take for applied and not': [
    create([1, 2], 'a', 'v1'),
    update([3], 'v1', 'b'),
    update([4, 5], 'v1', 'c', null),
    read([6, 7], 'a', 'v1'),
  ],
  'a failed destroy applied twice': [
    create([1, 2], 'a', 'v1'),
    destroy([3]),
    read([4, 5]),
    create([6, 7], 'b', 'v2'),
    read([8, 9]),
  ],
  'a failed destroy applied before it began': [create([1, 2], 'a', 'v1'), read([3, 4]), destroy([5])],
}

describe('a history that is accepted', () => {
  it.each(Object.entries(RIGHT))('%s', (_, history) => {
    expect(explainHistory(history)).toBeUndefined()
    expect(isLinearizable(history)).toBe(true)
  })

  it('is accepted in whatever order its calls are listed', () => {
    for (const history of Object.values(RIGHT)) expect(explainHistory(history.toReversed())).toBeUndefined()
  })
})

describe('a history that is refused', () => {
  it.each(Object.entries(WRONG))('%s', (_, history) => {
    expect(explainHistory(history)).toBeTypeOf('string')
    expect(isLinearizable(history)).toBe(false)
  })

  it('is refused in whatever order its calls are listed', () => {
    for (const history of Object.values(WRONG)) expect(explainHistory(history.toReversed())).toBeTypeOf('string')
  })
})

describe('the story', () => {
  it('tells every call up to the first that cannot be explained, and what the key could hold', () => {
    const story = explainHistory([
      create([1, 2], 'a', 'v1'),
      { ...update([3], 'v1', 'b'), client: 2 },
      { ...destroy([4]), client: 3 },
      read([5, 6], 'c', 'v2'),
      read([7, 8]),
    ])
    expect(story).toBe(
      [
        'No order of these calls explains what they returned:',
        "  1–2     client 1: create 'a' → version 'v1'",
        "  3–      client 2: update 'v1' to 'b' → unavailable",
        '  4–      client 3: destroy → unavailable',
        "  5–6     client 1: read → 'c' at version 'v2'   <- not explained",
        "When the marked call took effect, the key can only have contained 'a' at version 'v1', or what a failed call wrote, or nothing.",
      ].join('\n'),
    )
  })

  it('says that a version came back', () => {
    expect(explainHistory(WRONG['a version that comes back with a new life'] ?? [])).toContain(
      'A store must not make a version twice.',
    )
  })

  it('lays no version that a write told to a failed one', () => {
    const story = explainHistory([create([1], 'a'), read([2, 3], 'a', 'v1'), create([4, 5], 'a', 'v1')])
    expect(story).toContain("2–3     client 1: read → 'a' at version 'v1'   <- not explained")
  })

  it('leaves out what began after the end of the call that cannot be explained', () => {
    const story = explainHistory([...(WRONG['a lost create'] ?? []), create([5, 6], 'later', 'v2')])
    expect(story).toContain('3–4')
    expect(story).not.toContain('later')
  })

  it('does not tell data at length', () => {
    expect(explainHistory([read([1, 2], 'x'.repeat(10_000), 'v1')])?.length).toBeLessThan(1000)
  })
})

/** Histories of a register with `minLength` to `calls` calls, of which `failing` in ten fail. */
function histories(calls: number, failing = 3, minLength = 0): fc.Arbitrary<Operation[]> {
  const command: fc.Arbitrary<Command> = fc.record({
    method: fc.constantFrom('create', 'read', 'read', 'update', 'update', 'destroy'),
    // Few values, so that the same data is written again.
    data: fc.constantFrom('a', 'b', 'c'),
    fails: fc.nat({ max: 9 }).map((n) => n < failing),
  })
  const scripts = fc
    .array(fc.tuple(fc.nat({ max: 3 }), command), { minLength, maxLength: calls, size: 'max' })
    .map((given) => [0, 1, 2, 3].map((client) => given.filter(([who]) => who === client).map(([, what]) => what)))
  return fc
    .tuple(scripts, fc.array(fc.nat({ max: 1000 }), { maxLength: calls * 4, size: 'max' }))
    .map(([all, choices]) => play(all, choices))
}

describe('every history', () => {
  it('of a register is accepted', () => {
    fc.assert(
      fc.property(histories(32), (history) => {
        expect(explainHistory(history)).toBeUndefined()
      }),
      { numRuns: 1000 },
    )
  })

  it('of a register is accepted as far as it has come at any time, calls under way as failed', () => {
    fc.assert(
      fc.property(histories(16), fc.nat({ max: 32 }), (history, time) => {
        const begun = history.filter(({ began }) => began <= time)
        expect(explainHistory(begun.map((each) => (each.ended > time ? asFailed(each) : each)))).toBeUndefined()
      }),
      { numRuns: 1000 },
    )
  })

  it('is judged as by trying every order', () => {
    const verdicts = { right: 0, wrong: 0 }
    fc.assert(
      fc.property(histories(6), fc.array(fc.tuple(fc.nat(), outcomes), { maxLength: 2 }), (history, changes) => {
        for (const [at, change] of changes) {
          const operation = history[at % history.length]
          if (operation) history.splice(history.indexOf(operation), 1, change(operation))
        }
        const isRight = isLinearizable(history)
        verdicts[isRight ? 'right' : 'wrong']++
        expect(explainHistory(history) === undefined).toBe(isRight)
      }),
      { numRuns: 3000 },
    )
    expect(Math.min(verdicts.right, verdicts.wrong)).toBeGreaterThan(300)
  })
})

function asFailed(operation: Operation): Operation {
  switch (operation.method) {
    case 'create':
      return create([operation.began], operation.data)
    case 'read':
      return read([operation.began])
    case 'destroy':
      return destroy([operation.began])
    default:
      return update([operation.began], operation.version, operation.data)
  }
}

const versions = fc.constantFrom('v1', 'v2', 'v3', 'unknown')

/** Other outcomes of a call, mostly wrong ones. */
const outcomes: fc.Arbitrary<(operation: Operation) => Operation> = fc
  .record({ version: versions, from: versions, data: fc.constantFrom('a', 'b', null), fails: fc.boolean() })
  .map(({ version, from, data, fails }) => (operation) => {
    const times = fails ? ([operation.began] as const) : ([operation.began, operation.ended] as const)
    switch (operation.method) {
      case 'create':
        return create(times, operation.data, data === null ? null : version)
      case 'read':
        return read(times, data, version)
      case 'destroy':
        return destroy(times)
      default:
        return update(times, from, operation.data, data === null ? null : version)
    }
  })

describe('every history of a register is refused when', () => {
  /** Asserts that a history is refused after `spoil` has changed it. `undefined`: there is nothing to change. */
  function expectRefused(
    all: fc.Arbitrary<Operation[]>,
    spoil: (history: readonly Operation[], pick: number) => readonly Operation[] | undefined,
  ): void {
    let spoilt = 0
    fc.assert(
      fc.property(all, fc.nat(), (history, pick) => {
        const changed = spoil(history, pick)
        if (changed === undefined) return
        spoilt++
        expect(explainHistory(changed)).toBeTypeOf('string')
      }),
      { numRuns: 500 },
    )
    expect(spoilt).toBeGreaterThan(50)
  }

  const end = (history: readonly Operation[]): number => Math.max(0, ...history.map(({ ended }) => ended))

  function pickFrom<T>(all: readonly T[], pick: number): T | undefined {
    return all[pick % all.length]
  }

  function reads(history: readonly Operation[]) {
    return history.flatMap((operation) => {
      const { outcome, began, ended } = operation
      return outcome.kind === 'stored' ? [{ operation, outcome, times: [began, ended] as const }] : []
    })
  }

  function writes(history: readonly Operation[]) {
    return history.flatMap((operation) => {
      const { outcome } = operation
      return outcome.kind === 'version' ? [{ operation, version: outcome.version }] : []
    })
  }

  const replace = (history: readonly Operation[], old: Operation, by: Operation): readonly Operation[] =>
    history.map((operation) => (operation === old ? by : operation))

  it('a read shows what was never written', () => {
    expectRefused(histories(32), (history, pick) => {
      const found = pickFrom(reads(history), pick)
      return found && replace(history, found.operation, read(found.times, 'never', found.outcome.version))
    })
  })

  it('a read shows a version that was never made', () => {
    expectRefused(histories(32, 0), (history, pick) => {
      const found = pickFrom(reads(history), pick)
      return found && replace(history, found.operation, read(found.times, found.outcome.data, 'never'))
    })
  })

  it('a version has a second winner', () => {
    expectRefused(histories(32), (history, pick) => {
      const won = history.filter(({ method, outcome }) => method === 'update' && outcome.kind === 'version')
      const found = pickFrom(won, pick)
      if (found?.method !== 'update') return undefined
      return [...history, update([found.began, end(history) + 1], found.version, 'second', 'second')]
    })
  })

  it('a version is made twice', () => {
    expectRefused(histories(32), (history, pick) => {
      const found = pickFrom(writes(history), pick)
      const after = end(history)
      return (
        found && [...history, destroy([after + 1, after + 2]), create([after + 3, after + 4], 'again', found.version)]
      )
    })
  })

  it('an entry is seen after it was destroyed', () => {
    expectRefused(histories(32), (history, pick) => {
      const found = pickFrom(writes(history), pick)
      if (found?.operation.method !== 'create' && found?.operation.method !== 'update') return undefined
      const after = end(history)
      const { data } = found.operation
      return [...history, destroy([after + 1, after + 2]), read([after + 3, after + 4], data, found.version)]
    })
  })

  it('an update is refused that was current at the end', () => {
    expectRefused(histories(32, 0), (history) => {
      const after = end(history)
      const last = 'last'
      return [
        ...history,
        destroy([after + 1, after + 2]),
        create([after + 3, after + 4], 'a', last),
        update([after + 5, after + 6], last, 'b', null),
      ]
    })
  })

  it('a read at its end misses the entry', () => {
    expectRefused(histories(32, 0), (history) => {
      const after = end(history)
      const present = explainHistory([...history, read([after + 1, after + 2])]) !== undefined
      const version = present ? null : 'absent'
      const created = create([after + 1, after + 2], 'a', version)
      return [...history, created, read([after + 3, after + 4])]
    })
  })

  it('a write that was seen says that it was refused', () => {
    expectRefused(histories(32, 0), (history, pick) => {
      const seen = new Set(reads(history).map(({ outcome }) => outcome.version))
      const found = pickFrom(
        writes(history).filter(({ version }) => seen.has(version)),
        pick,
      )?.operation
      if (found?.method !== 'create' && found?.method !== 'update') return undefined
      return replace(history, found, { ...found, outcome: { kind: 'null' } })
    })
  })
})

describe('a long history', () => {
  it('of which most failed is judged in the end', () => {
    fc.assert(
      fc.property(histories(150, 6, 150), (history) => {
        expect(explainHistory(history)).toBeUndefined()
      }),
      { numRuns: 20 },
    )
  })

  it('of many clients at once is judged in the end', () => {
    const creates = [...Array(12).keys()].map((n) => create([n, 40 + n], `${n}`, n === 11 ? 'v1' : null))
    const updates = [...Array(12).keys()].map((n) => update([60 + n, 90 + n], 'v1', `${n}`, n === 11 ? 'v2' : null))
    expect(explainHistory([...creates, ...updates, read([200, 201], '11', 'v2')])).toBeUndefined()
    expect(explainHistory([...creates, ...updates, read([200, 201], '10', 'v2')])).toBeTypeOf('string')
  })
})
