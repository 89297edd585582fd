import { type Defect, mutant, type Mutant } from '../mutant.ts'

function isExpired({ expiresAt }: { readonly expiresAt: number }): boolean {
  return expiresAt <= Date.now()
}

/** Hides expired entries from some methods. */
function hidden(from: readonly ('read' | 'update')[], isHidden: typeof isExpired = isExpired): Defect {
  return {
    stores:
      ({ server }) =>
      (store, scope) => ({
        ...(from.includes('read') && {
          async read(key) {
            const found = await store.read(key)
            return found && isHidden(found) ? null : found
          },
        }),
        ...(from.includes('update') && {
          async update(key, entry, version) {
            const held = server.stored(scope, key)
            return held && isHidden(held) ? null : store.update(key, entry, version)
          },
        }),
      }),
  }
}

export const mindMutants: readonly Mutant[] = [
  mutant('6.6', 'hides an expired entry whose key it keeps', hidden(['read', 'update'])),
  mutant('6.6', 'hides an expired entry whose key it keeps from read alone', hidden(['read'])),
  mutant('6.6', 'reads an expired entry, and refuses to update it', hidden(['update'])),
  mutant(
    '6.6',
    'hides an expired entry whose key it keeps for a while',
    hidden(['read'], (entry) => isExpired(entry) && entry.expiresAt > Date.now() - 100),
  ),
  mutant(
    '6.6',
    'hides an entry that expired more than an hour ago, and keeps its key',
    hidden(['read'], ({ expiresAt }) => expiresAt <= Date.now() - 3_600_000),
  ),
]
