import { setTimeout as sleep } from 'node:timers/promises'
import type { Reply, Request } from '../line-server.ts'
import { type Line, REPLY_LOST, WireLine } from '../line-store.ts'
import { mutant, type Mutant } from '../mutant.ts'
import { changedLine, lineTo } from './line.ts'

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
  ...(['create', 'update'] as const).map((method) =>
    mutant('7.4', `sends the ${method} again some time after its reply was lost`, {
      lineTo: onWrite((line, request) =>
        request.method !== method
          ? line.call(request)
          : sent(line, request, async () => {
              await sleep(200)
              // Only an entry that is not there is written.
              const { scope, key, entry } = request
              const { stored } = await line.call({ method: 'read', scope, key })
              if (stored) throw new Error('the reply was lost')
              return line.call({ method: 'create', scope, key, entry })
            }),
      ),
    }),
  ),
  mutant('7.4', 'sends a write that failed again in the background', {
    lineTo: onWrite((line, request) =>
      sent(line, request, async () => {
        const { scope, key, entry } = request
        setTimeout(() => void line.call({ method: 'create', scope, key, entry }).catch(() => undefined), 500).unref()
        throw new Error('the reply was lost')
      }),
    ),
  }),
]
