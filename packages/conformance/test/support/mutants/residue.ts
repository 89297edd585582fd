import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { mutant, type Mutant } from '../mutant.ts'
import { onFailure } from './watch.ts'

export const residueMutants: readonly Mutant[] = [
  mutant('7.7', 'leaves a rejection unhandled while the backend is unreachable', {
    stores: () =>
      onFailure(() => ({
        act() {
          void Promise.reject(new Error('nobody handles this'))
        },
      })),
  }),
  mutant('7.7', 'throws an error that nobody catches while the backend is unreachable', {
    stores: () =>
      onFailure(() => ({
        act() {
          setImmediate(() => {
            throw new Error('nobody catches this')
          })
        },
      })),
  }),
  mutant('7.7', 'leaves a listener on the process', {
    stores:
      ({ cleanUp }) =>
      () => {
        const listener = (): void => {}
        process.on('exit', listener)
        cleanUp(() => process.off('exit', listener))
        return {}
      },
  }),
  mutant('7.7', 'adds a listener at each failed call', {
    stores: () =>
      onFailure(() => {
        const client = new EventEmitter()
        return { act: () => void client.on('ready', () => {}) }
      }),
  }),
  mutant('7.7', 'leaves a timer after each failed call', {
    also: ['7.5'],
    stores: ({ cleanUp }) =>
      onFailure(() => ({
        act() {
          const timer = setTimeout(() => {}, 60_000)
          cleanUp(() => clearTimeout(timer))
        },
      })),
  }),
  mutant('7.7', 'starts a child process that ends at once', {
    stores: () => (store) => {
      let reads = 0
      return {
        read(key) {
          if (++reads === 150) spawn('true', { stdio: 'ignore' })
          return store.read(key)
        },
      }
    },
  }),
  mutant('7.7', 'starts a child process while the backend is unreachable', {
    stores: () => {
      let child: ChildProcess | undefined
      return onFailure(() => {
        let own: ChildProcess | undefined
        return {
          act() {
            // Starting a process is slow, so only one runs at a time.
            if (child !== undefined) return
            own = spawn('sleep', ['30'], { stdio: 'ignore' })
            child = own
          },
          close() {
            // The process may take a while to end, which is not the defect.
            own?.kill()
            own?.unref()
            if (own !== undefined && own === child) child = undefined
          },
        }
      })
    },
  }),
]
