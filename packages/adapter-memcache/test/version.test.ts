import { describe, expect, it } from 'vitest'
import { codeOf, entry, failureOf, numbers, succeed } from '../../../tests/support/stores.ts'
import { startImpostor } from './support/relay.ts'
import { ownServer, sharedServer } from './support/server.ts'
import { newPrefix, openStore } from './support/stores.ts'
import { frame, newVersion, type ServerStore } from '@sess/core/adapter'

const server = sharedServer()

function openTwo(): readonly [ServerStore, ServerStore] {
  const prefix = newPrefix()
  const open = () => openStore({ servers: server.address, prefix })
  return [open(), open()]
}

describe('3 a version', () => {
  it('3.3 lets one of many concurrent updates win, and its entry is stored', async () => {
    const stores = openTwo()
    const [store] = stores
    const version = await succeed(store.create('key', entry('start')))
    const writers = numbers(50).flatMap((n) => stores.map((each) => each.update('key', entry(`${n}`), version)))
    const won = (await Promise.all(writers)).filter((each) => each !== null)
    expect(won).toHaveLength(1)
    expect((await store.read('key'))?.version).toBe(won[0])
  })

  it('3.5 keeps 400 of 400 increments by 16 writers on two instances', async () => {
    const stores = openTwo()
    await succeed(stores[0].create('key', entry('0')))
    const increment = async (store: ServerStore): Promise<void> => {
      for (;;) {
        const found = await store.read('key')
        const next = entry(`${Number(found?.data) + 1}`)
        if (found && (await store.update('key', next, found.version)) !== null) return
      }
    }
    const writers = numbers(8).flatMap(() => stores)
    await Promise.all(
      writers.map(async (store) => {
        for (const _ of numbers(25)) await increment(store)
      }),
    )
    expect(await stores[0].read('key')).toMatchObject({ data: '400' })
  })

  it('3.4 does not come back when the server is restarted and counts from 1 again', async () => {
    const own = await ownServer()
    const store = openStore({ servers: own.address })
    const seen = []
    for (const _ of numbers(3)) {
      seen.push(await succeed(store.create('key', entry('old'))))
      seen.push(await succeed(store.update('key', entry('old'), seen.at(-1) ?? '')))
      await own.restart()
      expect(await store.read('key').catch(() => null)).toBeNull()
    }
    const current = await succeed(store.create('key', entry('old')))
    for (const version of seen) expect(await store.update('key', entry('stale'), version)).toBeNull()
    expect(await store.read('key')).toEqual({ ...entry('old'), version: current })
  })

  it('is not current on a server that started during the update, even if its count is the same', async () => {
    const version = newVersion()
    const value = frame(entry('data'), version)
    const commands: string[] = []
    const address = await startImpostor((text, socket) => {
      commands.push(text.split(' ')[0] ?? '')
      // The second reply, to no command, makes the store close the connection between the two steps of the update.
      if (text.startsWith('gets ')) {
        const key = text.trim().split(' ')[1]
        socket.write(`VALUE ${key} 0 ${Buffer.byteLength(value)} 5\r\n${value}\r\nEND\r\nNOT_FOUND\r\n`)
      } else socket.write('STORED\r\n')
    })
    const store = openStore({ servers: address, deadline: 60_000 })
    expect(await codeOf(store.update('key', entry('stale'), version))).toBe('UNAVAILABLE')
    expect(commands).toEqual(['gets'])
  })

  it('is not counted by a server that was started with -C, and the error names -C', async () => {
    const own = await ownServer('-C')
    const store = openStore({ servers: own.address })
    const version = await succeed(store.create('key', entry('old')))
    const error = await failureOf(store.update('key', entry('new'), version))
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('without -C') })
    expect(await store.update('key', entry('new'), 'another version.')).toBeNull()
    expect(await store.read('key')).toEqual({ ...entry('old'), version })
  })
})

describe('4 a destroyed entry', () => {
  it.each(['update first', 'destroy first'])('4.4 is not revived by an update in flight: %s', async (order) => {
    const [one, other] = openTwo()
    for (const n of numbers(50)) {
      const version = await succeed(one.create(`${n}`, entry('data')))
      const update = () => one.update(`${n}`, entry('revived'), version)
      const destroy = () => other.destroy(`${n}`)
      await Promise.all(order === 'update first' ? [update(), destroy()] : [destroy(), update()])
      expect(await one.read(`${n}`)).toBeNull()
      expect(await update()).toBeNull()
      expect(await other.read(`${n}`)).toBeNull()
    }
  })
})

describe('5 a prefix', () => {
  it('5.1 separates stores', async () => {
    const open = (prefix: string) => openStore({ servers: server.address, prefix })
    const [one, longer, other] = [open('5.1:a'), open('5.1:a:'), open('5.1:$&')]
    const version = await succeed(one.create('key', entry('one')))
    for (const store of [longer, other]) {
      expect(await store.read('key')).toBeNull()
      expect(await store.update('key', entry('other'), version)).toBeNull()
      await store.destroy('key')
      await succeed(store.create('key', entry('other')))
    }
    expect(await one.read('key')).toEqual({ ...entry('one'), version })
  })
})
