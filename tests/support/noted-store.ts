import { randomUUID } from 'node:crypto'
import memory from '@sess/adapter-memory'
import type { Adapter } from '@sess/core/adapter'

/** An adapter of a memory store of its own scope. `note` is told each call before it, and a call fails with what it throws. */
export function noted(note: (call: string) => void, scope: string = randomUUID()): Adapter {
  const before = <A extends readonly unknown[], R>(name: string, call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      note(name)
      return call(...args)
    }
  }
  return (_, context) => {
    const inner = memory({ scope }, context)
    if (inner.kind !== 'server') throw new Error('It is a server store.')
    return {
      ...inner,
      create: before('create', inner.create.bind(inner)),
      read: before('read', inner.read.bind(inner)),
      update: before('update', inner.update.bind(inner)),
      destroy: before('destroy', inner.destroy.bind(inner)),
    }
  }
}
