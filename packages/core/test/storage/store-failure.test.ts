import { inspect } from 'node:util'
import memory from '@sess/adapter-memory'
import { sessions } from '@sess/core'
import { createAdapterContext, type ServerStore } from '@sess/core/adapter'
import { expect, test } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { SECRET } from '../support/secret.ts'

/** An error as a store's client throws it, with the arguments of the command attached. */
class ClientError extends Error {
  readonly command: unknown

  constructor(args: readonly unknown[]) {
    super('READONLY You cannot write against a replica.')
    this.name = 'ReplyError'
    this.command = { args }
  }
}

/** A third-party store that lets the client's errors through from one method. */
function careless(method: 'create' | 'read' | 'update' | 'destroy'): { store: ServerStore; fail: () => void } {
  const store = memory({ scope: `careless-${method}` }, createAdapterContext({ secret: SECRET }))
  if (store.kind !== 'server') throw new Error('Expected a server store.')
  const working = store
  let isFailing = false
  const reject = async (...args: readonly unknown[]): Promise<never> => {
    throw new ClientError(args)
  }
  const call =
    <A extends readonly unknown[], R>(name: string, work: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      isFailing && name === method ? reject(...args) : work(...args)
  return {
    store: {
      ...working,
      create: call('create', working.create),
      read: call('read', working.read),
      update: call('update', working.update),
      destroy: call('destroy', working.destroy),
    },
    fail: () => {
      isFailing = true
    },
  }
}

test.each(['create', 'read', 'update', 'destroy'] as const)(
  "a store's own error from %s is UNAVAILABLE, and shows nothing of what the store was sent",
  async (method) => {
    const { store, fail } = careless(method)
    const sess = sessions(store, { secret: SECRET })
    const first = sess.exchange(null)
    const begun = await first.open()
    begun['note'] = 'private words'
    const headers = method === 'create' ? [] : await first.commit(200)
    const cookie = headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0]
    fail()

    const failing = async () => {
      const exchange = method === 'create' ? first : sess.exchange(cookie)
      const session = await exchange.open()
      if (method === 'destroy') session.destroy()
      else session['note'] = 'other private words'
      await exchange.commit(200)
    }
    const failure = await failureOf(failing())
    expect(failure.code).toBe('UNAVAILABLE')
    expect(inspect(failure, { depth: null, showHidden: true })).not.toContain('private words')
  },
)
