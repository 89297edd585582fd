import { sessions } from '@sess/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Mutation, mutated } from '../support/mutated-core.ts'
import {
  afterUnfinished,
  cutEach,
  endsAll,
  listsAll,
  type Operation,
  OPERATIONS,
  prepare,
  STAGES,
} from '../support/owner-cuts.ts'
import { type Act, type MakeSessions, OwnerRace, type RaceOptions } from '../support/owner-race.ts'
import { skipPauses } from '../support/pauses.ts'

const anyOrder = fc.array(fc.nat(5), { minLength: 20, maxLength: 20 })

/** Tries to break a promise. */
interface Attack {
  /** Resolves with accounts of the promises that are broken. Some orders are left out once one is. */
  readonly on: (make: MakeSessions) => Promise<readonly string[]>
  /** Another file makes the very attack on ours. */
  readonly isMadeElsewhere?: true
}

/** Two acts in every order, as interleaving.test.ts tries them. */
const pair = (one: Act, other: Act): Attack => ({
  isMadeElsewhere: true,
  on: async (make) => {
    const tried = new OwnerRace([one, other], make, { isApart: true })
    await tried.isBroken()
    return tried.failures
  },
})

/** So many orders of these acts, or all. Of three acts in two processes, interleaving.test.ts tries as many, and all in the nightly run. */
const race = (acts: readonly Act[], { orders, ...options }: RaceOptions & { readonly orders?: number }): Attack => ({
  ...(acts.length === 3 && { isMadeElsewhere: true }),
  on: async (make) => {
    const tried = new OwnerRace(acts, make, { isApart: true, ...options })
    if (orders === undefined) await tried.isBroken()
    else
      for (const order of fc.sample(anyOrder, orders)) {
        await tried.rehearse(order)
        if (tried.failures.length > 0) break
      }
    return tried.failures
  },
})

/** As cut.test.ts tries every operation on every stage. */
const cut = (stage: keyof typeof STAGES, operation: keyof typeof OPERATIONS, check: typeof listsAll): Attack => ({
  isMadeElsewhere: true,
  on: async (make) => {
    const { devices, options } = STAGES[stage] ?? { devices: 0, options: {} }
    return cutEach({ make, before: await prepare(make, devices), options, operation: operationOf(operation) }, check)
  },
})

/** A process that revokes all stops once the sessions are condemned. Then another one goes on with one of them. */
const unfinished = (operation: keyof typeof OPERATIONS): Attack => ({
  on: async (make) =>
    afterUnfinished({ make, before: await prepare(make, 2), options: {}, operation: operationOf(operation) }),
})

const TWO = 'two sessions'

function operationOf(name: keyof typeof OPERATIONS): Operation {
  const operation = OPERATIONS[name]
  if (operation === undefined) throw new Error(`no operation ${name}`)
  return operation
}

/** What is wrong, how the code says it, and an attack that finds it. */
const MUTANTS: readonly (readonly [what: string, mutation: Mutation, attack: Attack])[] = [
  [
    'reads a roster and writes it, whatever is there by then',
    [
      [
        'version === null ? this.#store.create(key, entry) : this.#store.update(key, entry, version)',
        'this.#store.read(key).then((now) => now === null ? this.#store.create(key, entry) : this.#store.update(key, entry, now.version))',
      ],
    ],
    pair('login', 'revoke'),
  ],
  [
    'sends the cookie before the session is listed',
    [
      ['if (seat) await limit.bound(membership.begin(', 'if (seat) void Promise.allSettled([membership.begin('],
      ['opened, limit));\n\t\t\treturn snapshot;', 'opened, limit)]);\n\t\t\treturn snapshot;'],
    ],
    cut(TWO, 'a login of a new visitor', listsAll),
  ],
  [
    'does not list a session that logs in',
    [['roster.list(session.key, listed);\n\t\t\tif (max', 'if (max']],
    cut(TWO, 'a login of a new visitor', listsAll),
  ],
  [
    'lists a session before its entry is stored',
    [
      [
        'const snapshot = await this.#context.entries.create(token.key, record, limit);\n\t\ttry {\n\t\t\tconst seat = await seating;',
        'let snapshot;\n\t\ttry {\n\t\t\tconst seat = await seating;',
      ],
      [
        'opened, limit));\n\t\t\treturn snapshot;',
        'opened, limit));\n\t\t\treturn await this.#context.entries.create(token.key, record, limit);',
      ],
    ],
    race(['login', 'revoke all others'], { isParkingAll: true }),
  ],
  [
    'lets a login pass that began before a revocation',
    [['return moment.at <= this.#revokedElsewhere || isBefore(moment, this.#revoked);', 'return false;']],
    pair('login', 'revoke'),
  ],
  [
    'lets an earlier revocation take the place of a later one',
    [['tick: Math.max(last.tick, moment.tick)', 'tick: moment.tick']],
    race(['login', 'revoke', 'revoke'], { orders: 2000 }),
  ],
  [
    'looks in the root alone whether a login is refused',
    [['if (isRefused(roster)) throw', 'if (canShard && isRefused(roster)) throw']],
    race(['login', 'revoke'], { isSharded: true, orders: 400 }),
  ],
  [
    'revokes in the root alone',
    [['if (isSharded) await inLanes(SHARDS', 'if (false) await inLanes(SHARDS']],
    cut('more sessions than one roster lists', 'revoke()', endsAll),
  ],
  [
    'does not take the old place in the list when a session moves',
    [['await membership.move({', 'void ({']],
    cut(TWO, 'a move', listsAll),
  ],
  [
    'does not end what a session has moved to',
    [['at = outcome === "none" ? void 0 : outcome.to;', 'at = void 0;']],
    cut(TWO, 'a move', endsAll),
  ],
  [
    'strikes a condemned session off before it has ended',
    [['const count = await entries.end(key, reason);', 'const count = 1;']],
    cut(TWO, 'revoke()', endsAll),
  ],
  [
    'leaves to nobody what a revocation has not finished',
    [['await this.#finish(rosters, "revoked");\n\t\tconst members', 'const members']],
    cut(TWO, 'revoke()', listsAll),
  ],
  [
    'extends a session before its listing',
    [
      [
        'if (membership && !await limit.bound(membership.extend({',
        'const extended = await entries.update(token.key, record, snapshot.version, limit) ?? snapshot;\n\t\tif (membership && !await limit.bound(membership.extend({',
      ],
      [
        'const extended = await entries.update(token.key, record, snapshot.version, limit);\n\t\tif (extended === null) return snapshot;',
        '',
      ],
    ],
    cut(TWO, 'an extension that the listing has to follow', listsAll),
  ],
  [
    'extends a session, and not its listing',
    [['if ((roster.members.get(session.key)?.until ?? 0) < needed) roster', 'if (false) roster']],
    cut(TWO, 'an extension that the listing has to follow', listsAll),
  ],
  [
    'forgets the lists of an older secret',
    [['return this.#keys.map((key) => `o$', 'return this.#keys.slice(0, 1).map((key) => `o$']],
    cut('another secret before', 'a login of a new visitor', listsAll),
  ],
  [
    'keeps the token when the user changes',
    [['this.#regenerate || ownerChange === "moves"', 'this.#regenerate']],
    cut(TWO, 'a login of a visitor with a session', listsAll),
  ],
  [
    'extends a session whose revocation has not finished',
    [['if (standing === "member") {', 'if (standing !== "unlisted") {']],
    unfinished('an extension'),
  ],
  [
    'moves a session whose revocation has not finished',
    [['if (standing === "condemned") throw revokedMeanwhile();', 'if (standing === "condemned") return;']],
    unfinished('a move'),
  ],
]

describe.each(MUTANTS)('sessions that %s', (_, mutation, attack) => {
  skipPauses()

  test('are found out', { timeout: 120_000 }, async () => {
    const found = await attack.on(await mutated(mutation))
    expect(found.length).toBeGreaterThan(0)
  })
})

describe('the same attacks', () => {
  skipPauses()

  test.each(MUTANTS.filter(([, , { isMadeElsewhere }]) => isMadeElsewhere !== true))(
    'find nothing in ours: %s',
    { timeout: 120_000 },
    async (_what, _mutation, attack) => {
      expect(await attack.on(sessions)).toEqual([])
    },
  )
})
