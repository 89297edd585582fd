import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { mutant, type Mutant, Stray } from '../mutant.ts'
import { onFailure } from './watch.ts'

export const residueMutants: readonly Mutant[] = [
  mutant('7.7', 'rejects where nobody listens when the backend is away', {
    stores: () =>
      onFailure(() => ({
        act() {
          void Promise.reject(new Stray())
        },
      })),
  }),
  mutant('7.7', 'listens to the process for ever', {
    stores:
      ({ cleanUp }) =>
      () => {
        const listener = (): void => {}
        process.on('exit', listener)
        cleanUp(() => process.off('exit', listener))
        return {}
      },
  }),
  mutant('7.7', 'adds a listener with each call that fails', {
    stores: () =>
      onFailure(() => {
        const client = new EventEmitter()
        return { act: () => void client.on('ready', () => {}) }
      }),
  }),
  mutant('7.7', 'leaves a timer for each call that fails', {
    also: ['7.5'],
    stores: ({ cleanUp }) =>
      onFailure(() => ({
        act() {
          const timer = setTimeout(() => {}, 60_000)
          cleanUp(() => clearTimeout(timer))
        },
      })),
  }),
  mutant('7.7', 'starts a process when the backend is away', {
    stores: () => {
      let child: ChildProcess | undefined
      return onFailure(() => {
        let own: ChildProcess | undefined
        return {
          act() {
            // To start one takes long: one at a time does.
            if (child !== undefined) return
            own = spawn('sleep', ['30'], { stdio: 'ignore' })
            child = own
          },
          close() {
            // Its end may take a while, and is not what is looked for.
            own?.kill()
            own?.unref()
            if (own !== undefined && own === child) child = undefined
          },
        }
      })
    },
  }),
]
