import type { Reply, Request } from '../line-server.ts'
import { type Line, REPLY_LOST, WireLine } from '../line-store.ts'
import { mutant, type Mutant } from '../mutant.ts'
import { changedLine, lineTo } from './line.ts'
import { isUnavailable, watching } from './watch.ts'

type Write = Extract<Request, { readonly method: 'create' | 'update' }>

/** Does something else for a write, except where chance decides whether its reply is lost. */
function onWrite(how: (line: Line, request: Write) => Promise<Reply>) {
  return lineTo((address) => {
    const line = new WireLine(address)
    return changedLine(line, {
      call(request) {
        const isWrite = request.method === 'create' || request.method === 'update'
        return isWrite && !request.key.startsWith('history') ? how(line, request) : line.call(request)
      },
    })
  })
}

/** A connection that ends while more was sent on it ends with a reset. */
function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.message === REPLY_LOST || ('code' in error && error.code === 'ECONNRESET')
}

/** Sends a write, and does something else when its reply is lost. */
async function sent(line: Line, request: Write, onLost: () => Promise<Reply>): Promise<Reply> {
  try {
    return await line.call(request)
  } catch (error) {
    if (isLost(error)) return onLost()
    throw error
  }
}

export const uncertaintyMutants: readonly Mutant[] = [
  mutant('7.4', 'sends a create again', {
    lineTo: onWrite((line, request) =>
      request.method === 'create' ? sent(line, request, () => line.call(request)) : line.call(request),
    ),
  }),
  mutant('7.4', 'sends an update again', {
    lineTo: onWrite((line, request) =>
      request.method === 'update' ? sent(line, request, () => line.call(request)) : line.call(request),
    ),
  }),
  ...(['create', 'update'] as const).map((method) =>
    mutant('7.4', `looks before it writes, and then sends the ${method} again`, {
      lineTo: onWrite(async (line, request) => {
        const { scope, key } = request
        await line.call({ method: 'read', scope, key })
        return request.method === method ? sent(line, request, () => line.call(request)) : line.call(request)
      }),
    }),
  ),
  mutant('7.4', 'looks whether a write is there, and says that it was refused if it is not', {
    lineTo: onWrite((line, request) =>
      sent(line, request, async () => {
        const { scope, key, entry } = request
        const { stored } = await line.call({ method: 'read', scope, key })
        return stored?.data === entry.data ? { version: stored.version } : {}
      }),
    ),
  }),
  mutant('7.4', 'writes when the backend is back what it could not write before', {
    stores:
      ({ server }) =>
      (store, scope) => {
        const queue: (() => void)[] = []
        const change = watching(store, async (call) => {
          const came = await call
          for (const write of queue.splice(0)) write()
          return came
        })
        const queued = async <T>(write: Promise<T>, again: () => void): Promise<T> => {
          try {
            return await write
          } catch (error) {
            if (isUnavailable(error)) queue.push(again)
            throw error
          }
        }
        const { create, update } = { ...store, ...change }
        return {
          ...change,
          create: (key, entry) => queued(create(key, entry), () => server.put(scope, key, entry)),
          update: (key, entry, version) => queued(update(key, entry, version), () => server.put(scope, key, entry)),
        }
      },
  }),
]
