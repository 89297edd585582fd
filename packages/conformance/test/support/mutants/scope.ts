import type { ServerStore } from '@sess/core/adapter'
import { type Defect, mutant, type Mutant } from '../mutant.ts'
import { keyed } from './isolation.ts'

/** Uses another scope than the one in the options. */
function scoped(scopeOf: (scope: string) => string): Defect {
  return {
    adapter: (correct) => (options, context) => {
      // The correct adapter refuses wrong options.
      correct(options, context)
      return correct({ ...options, scope: scopeOf(options.scope ?? '') }, context)
    },
  }
}

/** Uses one scope for all, and puts the scope into the key. */
function joined(join: (scope: string, key: string) => string): Defect {
  return {
    isApart: true,
    adapter: (correct) => (options, context) => {
      correct(options, context)
      const store = correct({ ...options, scope: 'all' }, context)
      if (store.kind !== 'server') return store
      return { ...store, ...keyed(store, (key) => join(options.scope ?? '', key)) }
    },
    // Without prune, which would prune all scopes.
    variant: 'expiring',
    backend: ({ server }) => ({
      plant: (scope, key, bytes) => server.plant('all', join(scope, key), bytes),
      evict: () => server.evict('all'),
    }),
  }
}

/** Applies a method to other scopes, too. */
function beyond(method: 'destroy' | 'prune', isMeant: (other: string, scope: string) => boolean): Defect {
  return {
    isApart: true,
    stores:
      ({ server }) =>
      (store, scope): Partial<ServerStore> => {
        const others = (): readonly string[] =>
          server.scopes.filter((other) => other !== scope && isMeant(other, scope))
        if (method === 'destroy')
          return {
            async destroy(key) {
              await store.destroy(key)
              for (const other of others()) server.entriesOf(other).delete(key)
            },
          }
        return {
          async prune(now) {
            const removed = (await store.prune?.(now)) ?? 0
            for (const other of others()) server.answer({ method: 'prune', scope: other, now })
            return removed
          },
        }
      },
  }
}

function startsAlike(other: string, scope: string): boolean {
  return other.startsWith(scope)
}

function isSameButCase(other: string, scope: string): boolean {
  return other.toLowerCase() === scope.toLowerCase()
}

export const scopeMutants: readonly Mutant[] = [
  mutant(
    '5.1',
    'has scopes in small letters',
    scoped((scope) => scope.toLowerCase()),
  ),
  ...[63, 100, 128].map((length) =>
    mutant(
      '5.1',
      `cuts scopes at ${length} characters`,
      scoped((scope) => scope.slice(0, length)),
    ),
  ),
  mutant(
    '5.1',
    'shortens scopes of more than 150 characters in the middle',
    scoped((scope) => (scope.length > 150 ? scope.slice(0, 100) + scope.slice(-99, -1) : scope)),
  ),
  mutant(
    '5.1',
    'drops zeros at the end of a scope',
    scoped((scope) => scope.replace(/0$/, '')),
  ),
  mutant(
    '5.1',
    'joins scope and key without a separator',
    joined((scope, key) => scope + key),
  ),
  mutant(
    '5.2',
    'cuts scope and key at 250 characters',
    joined((scope, key) => `${scope}:${key.slice(0, Math.max(8, 250 - scope.length))}`),
  ),
  mutant('5.1', 'prunes scopes that begin with its name', beyond('prune', startsAlike)),
  mutant('5.1', 'prunes scopes that differ in case', beyond('prune', isSameButCase)),
  mutant('5.1', 'destroys in scopes that begin with its name', beyond('destroy', startsAlike)),
  mutant('5.1', 'destroys in scopes that differ in case', beyond('destroy', isSameButCase)),
  mutant('5.1', 'reads a missing key in a scope with a shorter name', {
    isApart: true,
    stores:
      ({ server }) =>
      (store, scope) => ({
        async read(key) {
          const found = await store.read(key)
          if (found !== null) return found
          const shorter = server.scopes.find((other) => other !== scope && scope.startsWith(other))
          const held = shorter === undefined ? undefined : server.stored(shorter, key)
          return held ? { data: held.data, expiresAt: held.expiresAt, version: held.version } : null
        },
      }),
  }),
]
