import type { ClientStore, Lack, ServerStore, Store } from '../contract.js'
import { SessError } from '../error.js'

const METHODS = {
  server: ['create', 'read', 'update', 'destroy', 'close'],
  client: ['seal', 'open'],
} satisfies { server: (keyof ServerStore)[]; client: (keyof ClientStore)[] }

const LACKS: ReadonlySet<unknown> = new Set<Lack>(['atomic', 'fresh', 'retention', 'durability'])

/**
 * Checks that a value is a store of contract 1. If not, throws `ADAPTER_INVALID`: `verdict`, followed by the reason.
 */
export function assertStore(value: unknown, verdict: string): asserts value is Store {
  const invalid = (why: string) => new SessError('ADAPTER_INVALID', `${verdict}: ${why}.`)
  if (typeof value !== 'object' || value === null) throw invalid(`it is ${value === null ? 'null' : typeof value}`)
  const field = (name: string): unknown => Reflect.get(value, name)
  if (field('then') !== undefined) throw invalid('it is a promise; a store must connect on first use')
  const contract = field('contract')
  if (contract !== 1) {
    const theirs = typeof contract === 'number' ? `contract ${contract}` : 'no contract'
    throw invalid(`it has ${theirs}, and this @sess/core needs contract 1; install versions that match`)
  }
  const kind = field('kind')
  if (kind !== 'server' && kind !== 'client') throw invalid("its kind is neither 'server' nor 'client'")
  if (typeof field('name') !== 'string' || field('name') === '') throw invalid('it has no name')
  for (const method of METHODS[kind])
    if (typeof field(method) !== 'function') throw invalid(`it has no method ${method}`)
  for (const limit of kind === 'server' ? ['maxBytes', 'deadline'] : ['maxBytes']) {
    const number = field(limit)
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1)
      throw invalid(`its ${limit} is not a positive integer`)
  }
  if (kind === 'client') return
  for (const method of ['prune', 'check'])
    if (!['function', 'undefined'].includes(typeof field(method))) throw invalid(`its ${method} is not a method`)
  const lacks = field('lacks') ?? []
  // A misspelt word would look like a guarantee that the store gives.
  if (!Array.isArray(lacks) || !lacks.every((word) => LACKS.has(word)))
    throw invalid(`its lacks is not an array of ${[...LACKS].join(', ')}`)
}

/** Refuses a store that is not safe under concurrency, unless the application has accepted that. */
export function assertAccepted(store: Store, accepted: readonly string[]): void {
  if (store.kind !== 'server') return
  for (const word of ['atomic', 'fresh'] as const) {
    if (!store.lacks?.includes(word) || accepted.includes(word)) continue
    throw new SessError(
      'INVALID_OPTION',
      `The ${store.name} store is not ${word}: ${word === 'atomic' ? 'concurrent changes may be lost' : 'a logout may not take effect at once'}. ` +
        `To use it anyway, set the option accept: ['${word}'].`,
    )
  }
}
