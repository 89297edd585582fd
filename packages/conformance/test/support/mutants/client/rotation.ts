import { randomInt } from 'node:crypto'
import type { AdapterContext, ClientStore } from '@sess/core/adapter'
import type { Mutant } from '../../mutant.ts'
import type { Parts } from '../../sealed-store.ts'
import { clientMutant, storeOf } from './mutant.ts'

/** Mutants that try only some of the secrets. */
const tried: Readonly<Record<string, Parts['keys']>> = {
  'opens with only the newest secret': (all) => all.slice(0, 1),
  'opens with only the first two secrets': (all) => all.slice(0, 2),
  'opens with only the first and the last secret': (all) => all.filter((_, at) => at % (all.length - 1 || 1) === 0),
  'opens with every second secret': (all) => all.filter((_, at) => at < 2 || at % 2 === 0),
  'opens with at most 10 secrets': (all) => all.slice(0, 10),
  'opens with at most 64 secrets': (all) => all.slice(0, 64),
}

/** Mutants that report the wrong tokens as outdated. */
const outdated: Readonly<Record<string, Parts['isOutdated']>> = {
  'never reports a token as outdated': () => false,
  'reports only tokens of the last secret as outdated': (index, { length }) => index > 0 && index === length - 1,
  'does not report tokens of a secret in the middle as outdated': (index, { length }) =>
    index > 0 && index !== Math.floor(length / 2),
  'reports only tokens of the second secret as outdated': (index) => index === 1,
  'reports tokens of the second secret as current': (index) => index > 1,
  'reports tokens of a secret that is listed twice as outdated': (index, keys) => {
    const [key] = keys.slice(index)
    return keys.findLastIndex((one) => key !== undefined && Buffer.from(one).equals(key)) > 0
  },
}

/** Seals with the secret at the index that `pick` returns. */
function sealing(
  pick: (count: number) => number,
): (store: ClientStore, context: AdapterContext) => Partial<ClientStore> {
  return (_, context) => {
    const stores = context.keys('sealed').map((_key, at) => storeOf({ keys: (all) => all.slice(at, at + 1) }, context))
    return { seal: async (entry) => (await stores[pick(stores.length)]?.seal(entry)) ?? '' }
  }
}

export const rotationMutants: readonly Mutant[] = [
  ...Object.entries(tried).map(([name, keys]) => clientMutant('8.4', name, { parts: { keys } })),
  ...Object.entries(outdated).map(([name, isOutdated]) => clientMutant('8.4', name, { parts: { isOutdated } })),
  clientMutant('8.4', 'seals with the oldest secret', { parts: { keys: (all) => all.toReversed() } }),
  clientMutant('8.4', 'seals with the second of three secrets', { change: sealing((count) => (count === 3 ? 1 : 0)) }),
  clientMutant('8.4', 'seals with a listed secret at random', { change: sealing(randomInt) }),
  clientMutant('8.4', 'finds a secret by one byte, and only the last one that has it', {
    parts: {
      keys: (all) => [...all.slice(0, 1), ...all.slice(1).filter((key, at, older) => lastOf(key[0], older) === at)],
    },
  }),
  clientMutant('8.4', 'reports every token as outdated after the first that was', {
    change(store) {
      let isAny = false
      return {
        async open(token) {
          const opened = await store.open(token)
          isAny ||= opened?.outdated === true
          return opened && { ...opened, outdated: isAny }
        },
      }
    },
  }),
]

function lastOf(byte: number | undefined, keys: readonly Uint8Array[]): number {
  return keys.findLastIndex(([first]) => first === byte)
}
