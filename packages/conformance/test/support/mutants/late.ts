import type { Entry, Version } from '@sess/core/adapter'
import type { LineServer } from '../line-server.ts'
import { type Defect, mutant, type Mutant } from '../mutant.ts'
import { isUnavailable, watching } from './watch.ts'

/** How a store applies a failed write later. */
const ACTS = {
  'over whatever is there': () => true,
  'where nothing is there': (isThere) => !isThere,
  'over what is there': (isThere) => isThere,
} satisfies Readonly<Record<string, (isThere: boolean) => boolean>>

type Act = keyof typeof ACTS
type Moment = 'when a later call succeeds' | 'when it is closed' | 'after 300 ms' | 'after 900 ms'

function applyLate(
  server: LineServer,
  { scope, key, entry, act }: { scope: string; key: string; entry: Entry; act: Act },
) {
  if (ACTS[act](server.held(scope, key) !== undefined)) server.put(scope, key, entry)
}

/** Keeps writes that fail because the backend is unreachable, and applies them at a moment. */
function late(act: Act, moment: Moment, methods: readonly string[] = ['create', 'update']): Defect {
  const [, wait] = /(\d+) ms/.exec(moment) ?? []
  return {
    stores:
      ({ server, cleanUp }) =>
      (store, scope) => {
        const queue: (() => void)[] = []
        const flush = (): void => {
          for (const apply of queue.splice(0)) apply()
        }
        const watched = watching(store, async (call) => {
          const came = await call
          if (moment === 'when a later call succeeds') flush()
          return came
        })
        const kept = async (method: string, key: string, entry: Entry, write: Promise<Version | null>) => {
          try {
            return await write
          } catch (error) {
            if (!isUnavailable(error) || !methods.includes(method)) throw error
            queue.push(() => applyLate(server, { scope, key, entry, act }))
            if (wait === undefined) throw error
            const timer = setTimeout(flush, Number(wait)).unref()
            cleanUp(() => clearTimeout(timer))
            throw error
          }
        }
        return {
          ...watched,
          create: (key, entry) => kept('create', key, entry, watched.create(key, entry)),
          update: (key, entry, version) => kept('update', key, entry, watched.update(key, entry, version)),
          async close() {
            await store.close()
            if (moment === 'when it is closed') flush()
          },
        }
      },
  }
}

const MOMENTS = ['when a later call succeeds', 'when it is closed', 'after 300 ms', 'after 900 ms'] as const

export const lateMutants: readonly Mutant[] = [
  ...MOMENTS.flatMap((moment) =>
    (['over whatever is there', 'where nothing is there'] as const).map((act) =>
      mutant('7.4', `applies failed writes ${act}, ${moment}`, late(act, moment)),
    ),
  ),
  ...(['create', 'update'] as const).map((method) =>
    mutant(
      '7.4',
      `applies a failed ${method} where nothing is there`,
      late('where nothing is there', 'after 300 ms', [method]),
    ),
  ),
  mutant('7.4', 'applies failed updates over what is there', late('over what is there', 'after 300 ms', ['update'])),
  ...MOMENTS.map((moment) =>
    mutant('7.4', `applies failed writes without TCP, ${moment}`, {
      isSwitched: true,
      ...late('over whatever is there', moment),
    }),
  ),
  mutant('7.4', 'applies failed creates without TCP where nothing is there', {
    isSwitched: true,
    ...late('where nothing is there', 'after 300 ms', ['create']),
  }),
]
