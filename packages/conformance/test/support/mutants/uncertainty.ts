import type { Reply, Request } from '../line-server.ts'
import { type Line, REPLY_LOST, WireLine } from '../line-store.ts'
import { mutant, type Mutant } from '../mutant.ts'
import { changedLine, lineTo } from './line.ts'
import { isUnavailable, watching } from './watch.ts'

type Write = Extract<Request, { readonly method: 'create' | 'update' }>

/** Changes what a write does, except for the keys of random histories. */
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

/** Whether the reply was lost. A connection that ends while more data is being sent ends with a reset. */
function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.message === REPLY_LOST || ('code' in error && error.code === 'ECONNRESET')
}

/** Sends a write, and calls `onLost` if its reply is lost. */
async function sent(line: Line, request: Write, onLost: () => Promise<Reply>): Promise<Reply> {
  try {
    return await line.call(request)
  } catch (error) {
    if (isLost(error)) return onLost()
    throw error
  }
}

export const uncertaintyMutants: readonly Mutant[] = [
  mutant('7.4', 'resends a create', {
    lineTo: onWrite((line, request) =>
      request.method === 'create' ? sent(line, request, () => line.call(request)) : line.call(request),
    ),
  }),
  mutant('7.4', 'resends an update', {
    lineTo: onWrite((line, request) =>
      request.method === 'update' ? sent(line, request, () => line.call(request)) : line.call(request),
    ),
  }),
  ...(['create', 'update'] as const).map((method) =>
    mutant('7.4', `reads before it writes, and then resends the ${method}`, {
      lineTo: onWrite(async (line, request) => {
        const { scope, key } = request
        await line.call({ method: 'read', scope, key })
        return request.method === method ? sent(line, request, () => line.call(request)) : line.call(request)
      }),
    }),
  ),
  mutant('7.4', 'reads after a lost reply, and reports a missing write as refused', {
    lineTo: onWrite((line, request) =>
      sent(line, request, async () => {
        const { scope, key, entry } = request
        const { stored } = await line.call({ method: 'read', scope, key })
        return stored?.data === entry.data ? { version: stored.version } : {}
      }),
    ),
  }),
  mutant('7.4', 'applies failed writes when the backend is reachable again', {
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
