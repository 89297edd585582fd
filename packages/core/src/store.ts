import type { ClientStore, ServerStore, Store } from './contract.js'
import { SessError } from './error.js'

const METHODS = {
  server: ['create', 'read', 'update', 'destroy', 'close'],
  client: ['seal', 'open'],
} satisfies { server: (keyof ServerStore)[]; client: (keyof ClientStore)[] }

/** Checks that a value is a store of contract 1. Throws `ADAPTER_INVALID` naming what is amiss. */
export function assertStore(value: unknown, adapter: string): asserts value is Store {
  const invalid = (what: string) =>
    new SessError('ADAPTER_INVALID', `The adapter ${adapter} does not make a store: ${what}.`)
  if (typeof value !== 'object' || value === null)
    throw invalid(`it returned ${value === null ? 'null' : `a ${typeof value}`}`)
  if ('then' in value) throw invalid('it returned a promise; an adapter connects when it is first used')
  const field = (name: string): unknown => Reflect.get(value, name)
  const contract = field('contract')
  if (contract !== 1) {
    const theirs = typeof contract === 'number' ? `contract ${contract}` : 'no contract'
    throw invalid(`it has ${theirs}, and this @sess/core works by contract 1; install versions that go together`)
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
  const lacks = field('lacks')
  if (lacks !== undefined && !Array.isArray(lacks)) throw invalid('its lacks is not an array')
}

/** Refuses a store on which sessions are not safe under concurrency, unless the application said that it knows. */
export function assertAccepted(store: Store, accepted: readonly string[]): void {
  if (store.kind !== 'server') return
  for (const word of ['atomic', 'fresh'] as const) {
    if (!store.lacks?.includes(word) || accepted.includes(word)) continue
    throw new SessError(
      'INVALID_OPTION',
      `The ${store.name} store is not ${word}: ${word === 'atomic' ? 'concurrent changes may be lost' : 'a logout may not hold at once'}. ` +
        `To use it nevertheless, set the option accept: ['${word}'].`,
    )
  }
}
