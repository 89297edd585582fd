import { connect } from 'node:net'
import { isSessError, SessError } from '@sess/core/adapter'
import { mutant, type Mutant } from '../mutant.ts'
import { isUnavailable, never, watching } from './watch.ts'

export const closeMutants: readonly Mutant[] = [
  mutant('7.5', 'hangs at a second close if it was never used', {
    stores: () => (store) => {
      let isUsed = false
      let isClosed = false
      return {
        ...watching(store, (call) => {
          isUsed = true
          return call
        }),
        close() {
          if (isClosed && !isUsed) return never()
          isClosed = true
          return store.close()
        },
      }
    },
  }),
  mutant('7.5', 'fails to close a second time', {
    stores: () => (store) => {
      let isClosed = false
      return {
        close() {
          if (isClosed) return Promise.reject(new SessError('CLOSED', 'The line store is closed.'))
          isClosed = true
          return store.close()
        },
      }
    },
  }),
  mutant('7.5', 'fails to close while the backend is unreachable', {
    stores: () => (store) => {
      let isAway = false
      return {
        ...watching(store, async (call) => {
          try {
            const came = await call
            isAway = false
            return came
          } catch (error) {
            isAway = isUnavailable(error)
            throw error
          }
        }),
        async close() {
          await store.close()
          if (isAway) throw new SessError('UNAVAILABLE', 'The line store could not take its leave.')
        },
      }
    },
  }),
  mutant('7.5', 'reads null after close', {
    stores: () => (store) => ({
      read: (key) =>
        store.read(key).catch((error: unknown) => {
          if (isSessError(error) && error.code === 'CLOSED') return null
          throw error
        }),
    }),
  }),
  mutant('7.5', 'fails with UNAVAILABLE after close', {
    stores: () => (store) => ({
      destroy: (key) =>
        store.destroy(key).catch((error: unknown) => {
          if (isSessError(error) && error.code === 'CLOSED') throw new SessError('UNAVAILABLE', error.message)
          throw error
        }),
    }),
  }),
  mutant('7.5', 'drops the calls in flight', {
    stores: () => (store) => {
      let isClosing = false
      return {
        ...watching(store, async (call) => {
          const isInFlight = !isClosing
          const came = await Promise.allSettled([call])
          if (isInFlight && isClosing) await never()
          const [outcome] = came
          if (outcome.status === 'rejected') throw outcome.reason
          return outcome.value
        }),
        close() {
          isClosing = true
          return store.close()
        },
      }
    },
  }),
  mutant('7.5', 'answers null to calls in flight', {
    stores: () => (store) => {
      let end: () => void = () => {}
      const closed = new Promise<null>((resolve) => (end = () => resolve(null)))
      return {
        create: (key, entry) => Promise.race([store.create(key, entry), closed]),
        read: (key) => Promise.race([store.read(key), closed]),
        async close() {
          end()
          await store.close()
        },
      }
    },
  }),
  mutant('7.5', 'closes a client that was passed in', {
    variant: 'expiring',
    adapter: (correct) => (options, context) => {
      const store = correct(options, context)
      if (store.kind !== 'server') return store
      const close = async (): Promise<void> => {
        await store.close()
        options.client?.close()
      }
      return { ...store, close }
    },
  }),
  mutant('7.5', 'leaves timers after close', {
    also: ['7.7'],
    stores:
      ({ cleanUp }) =>
      () => {
        for (const _ of [1, 2]) {
          const timer = setInterval(() => {}, 60_000)
          cleanUp(() => clearInterval(timer))
        }
        return {}
      },
  }),
  mutant('7.5', 'leaves connections after close', {
    also: ['7.7'],
    stores:
      ({ server, cleanUp }) =>
      () => {
        const [host = '', port] = server.address.split(':')
        const sockets = [1, 2].map(() => connect(Number(port), host))
        cleanUp(() => {
          for (const socket of sockets) socket.destroy()
        })
        return {}
      },
  }),
]
