import { inspect } from 'node:util'
import { connect, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isSessError, type ServerStore } from '@sess/core/adapter'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { codeOf, entry, failureOf, FAR, numbers, SLACK, succeed } from '../../../tests/support/stores.ts'
import { Relay, startImpostor } from './support/relay.ts'
import { ownServer, sharedServer } from './support/server.ts'
import { call, METHODS, openStore, untilAvailable } from './support/stores.ts'
import { Wire } from './support/wire.ts'

const server = sharedServer()

/** The code that a call fails with, or the value that it resolves with. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (isSessError(error) ? error.code : error))
}

async function expectUnavailable(store: ServerStore, within: number): Promise<void> {
  const began = performance.now()
  const codes = await Promise.all(METHODS.map((method) => codeOf(call(store, method))))
  expect(codes).toEqual(METHODS.map(() => 'UNAVAILABLE'))
  expect(performance.now() - began).toBeLessThan(within + SLACK)
}

describe('7.1 and 7.2 a server', () => {
  it('that does not run yet is UNAVAILABLE at once, and is used once it runs', async () => {
    const own = await ownServer()
    await own.kill()
    const store = openStore({ servers: own.address })
    for (const _ of numbers(10)) await expectUnavailable(store, 0)
    await own.restart()
    await untilAvailable(() => store.create('key', entry('data')))
    expect(await store.read('key')).toMatchObject(entry('data'))
  })

  it('that is killed fails the calls in flight at once, and not at their deadline', async () => {
    const own = await ownServer()
    const store = openStore({ servers: own.address })
    await succeed(store.create('key', entry('data')))
    await own.freeze()
    const calls = numbers(64).map((n) => outcomeOf(call(store, METHODS[n % 4] ?? 'read', `key${n}`)))
    await sleep(50)
    await own.kill()
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['UNAVAILABLE']))
  })

  it('that was restarted is used again, and its lost entries are null', async () => {
    const own = await ownServer()
    const store = openStore({ servers: own.address })
    for (const n of numbers(3)) {
      const version = await succeed(store.create('key', entry(`${n}`)))
      await own.restart()
      expect(await untilAvailable(() => store.read('key'))).toBeNull()
      expect(await store.update('key', entry('revived'), version)).toBeNull()
    }
  })

  it('that is restarted while idle is connected to again without a failing call', async () => {
    const own = await ownServer()
    const store = openStore({ servers: own.address })
    await succeed(store.create('key', entry('data')))
    await own.restart()
    await sleep(50)
    expect(await store.read('key')).toBeNull()
  })

  it('that is frozen is UNAVAILABLE within the deadline, and is used again after it is thawed', async () => {
    const own = await ownServer()
    const store = openStore({ servers: own.address, deadline: 1000 })
    await succeed(store.create('key', entry('data')))
    await own.freeze()
    await expectUnavailable(store, 1000)
    await expectUnavailable(store, 1000)
    own.thaw()
    expect(await untilAvailable(() => store.read('key'))).toMatchObject(entry('data'))
  })

  it('that a busy connection no longer reaches is reached by a new connection', async () => {
    const relay = await Relay.start(server.port)
    const store = openStore({ servers: relay.address, deadline: 1000 })
    await succeed(store.create('key', entry('data')))
    relay.deafen()
    const began = performance.now()
    const outcomes: unknown[] = []
    const calls: Promise<unknown>[] = []
    while (!outcomes.some((outcome) => outcome !== 'UNAVAILABLE') && performance.now() - began < 10_000) {
      calls.push(outcomeOf(store.read('key')).then((outcome) => outcomes.push(outcome)))
      await sleep(20)
    }
    await Promise.all(calls)
    expect(outcomes[0]).toBe('UNAVAILABLE')
    expect(outcomes.at(-1)).toMatchObject(entry('data'))
    expect(relay.accepted).toBe(2)
  })

  it('that accepts no connection is UNAVAILABLE within the deadline, and is used as soon as it does', async () => {
    const own = await ownServer('-b', '1')
    await own.freeze()
    // These connections fill the queue of the server. After that, a new connection is neither accepted nor refused.
    const fillers = numbers(8).map(() => connect(own.port, '127.0.0.1'))
    for (const filler of fillers) filler.on('error', () => undefined)
    onTestFinished(() => {
      for (const filler of fillers) filler.destroy()
    })
    await sleep(200)
    expect(fillers.some((filler) => filler.connecting)).toBe(true)
    const store = openStore({ servers: own.address, deadline: 1000 })
    await expectUnavailable(store, 1000)
    await expectUnavailable(store, 1000)
    own.thaw()
    await untilAvailable(() => store.create('key', entry('data')))
    expect(await store.read('key')).toMatchObject(entry('data'))
  })
})

describe('a connection', () => {
  it('is shared by 64 calls that come at once to a store that has none yet', async () => {
    const relay = await Relay.start(server.port)
    const store = openStore({ servers: relay.address })
    const versions = await Promise.all(numbers(64).map((n) => store.create(`key${n}`, entry(`${n}`))))
    expect(versions).not.toContain(null)
    const found = await Promise.all(numbers(64).map((n) => store.read(`key${n}`)))
    expect(found.map((stored) => stored?.data)).toEqual(numbers(64).map(String))
    expect(relay.accepted).toBe(1)
  })

  it('is opened by the first call, not when the store is made', async () => {
    const relay = await Relay.start(server.port)
    const store = openStore({ servers: relay.address })
    await sleep(50)
    await store.close()
    expect(relay.accepted).toBe(0)
  })

  it('takes replies that arrive one byte at a time', async () => {
    const relay = await Relay.start(server.port)
    let sending = Promise.resolve()
    relay.onReply = (bytes, store) => {
      for (const byte of bytes) {
        sending = sending.then(async () => {
          store.write(Buffer.of(byte))
          await new Promise((resolve) => setImmediate(resolve))
        })
      }
    }
    const store = openStore({ servers: relay.address })
    const data = 'é€😀\r\nEND\r\n'
    const versions = await Promise.all(numbers(5).map((n) => succeed(store.create(`${n}`, entry(data + n)))))
    await succeed(store.update('0', entry('next'), versions[0] ?? ''))
    const found = await Promise.all(numbers(5).map((n) => store.read(`${n}`)))
    expect(found.map((stored) => stored?.data)).toEqual(['next', ...[1, 2, 3, 4].map((n) => data + n)])
  })

  const cuts: Readonly<Record<string, (reply: Buffer) => number>> = {
    'after a byte': () => 1,
    'before its first line ends': (reply) => reply.indexOf('\r\n'),
    'within a line end': (reply) => reply.indexOf('\r\n') + 1,
    'before the value': (reply) => reply.indexOf('\r\n') + 2,
    'in the value': (reply) => reply.indexOf('data'),
    'after the value': (reply) => reply.indexOf('\r\nEND'),
    'before the last line': (reply) => reply.indexOf('END'),
    'before the last byte': (reply) => reply.indexOf('END') + 4,
  }

  it.each(Object.entries(cuts))(
    'that is cut in a reply, %s, fails that call and the calls behind it, and the next call opens another one',
    async (_, lengthOf) => {
      const relay = await Relay.start(server.port)
      const store = openStore({ servers: relay.address })
      const version = await succeed(store.create('key', entry('data')))
      const { onReply } = relay
      relay.onReply = (bytes, socket) => {
        relay.onReply = onReply
        socket.end(bytes.subarray(0, lengthOf(bytes)))
      }
      const calls = [store.read('key'), store.read('key'), store.destroy('key')]
      expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'UNAVAILABLE'))
      const found = await store.read('key')
      expect(found === null || found.version === version).toBe(true)
    },
  )

  it('that stops answering between the two steps of an update is closed with that update', async () => {
    const relay = await Relay.start(server.port)
    const store = openStore({ servers: relay.address, deadline: 1000 })
    const version = await succeed(store.create('key', entry('old')))
    const { onReply } = relay
    relay.onReply = (bytes, socket) => {
      relay.onReply = onReply
      setTimeout(() => {
        socket.write(bytes)
        relay.deafen()
      }, 500)
    }
    expect(await codeOf(store.update('key', entry('new'), version))).toBe('UNAVAILABLE')
    expect(await store.read('key')).toMatchObject({ version })
  })

  it('that is slow is not closed while it answers within the deadline, even if another server does not answer', async () => {
    const slow = await Relay.start(server.port)
    const deaf = await Relay.start(server.port)
    slow.onReply = (bytes, socket) => void setTimeout(() => socket.write(bytes), 800)
    const store = openStore({ servers: [slow.address, deaf.address], deadline: 2000 })
    const all = numbers(20).map((n) => `key${n}`)
    await Promise.all(all.map((key) => store.create(key, entry(key))))
    const isSlow = await Promise.all(all.map(async (key) => slow.sent.includes(`${key} `)))
    const keys = (which: boolean) => all.filter((_, n) => isSlow[n] === which)
    const [slowKey = ''] = keys(true)
    const [deafKey = ''] = keys(false)
    deaf.deafen()
    const late = outcomeOf(store.read(deafKey))
    await sleep(1600)
    const inFlight = outcomeOf(store.read(slowKey))
    expect(await late).toBe('UNAVAILABLE')
    expect(await inFlight).toMatchObject(entry(slowKey))
    expect(slow.accepted).toBe(1)
  })

  it('is closed if nothing was sent for half a minute, but not while a reply is awaited', async () => {
    const relay = await Relay.start(server.port)
    const { setTimeout: setIdle } = Socket.prototype
    vi.spyOn(Socket.prototype, 'setTimeout').mockImplementation(function (this: Socket, ms, ...rest) {
      return Reflect.apply(setIdle, this, [ms === 30_000 ? 100 : ms, ...rest])
    })
    onTestFinished(() => void vi.restoreAllMocks())
    relay.onReply = (bytes, socket) => void setTimeout(() => socket.write(bytes), 400)
    const store = openStore({ servers: relay.address })
    await succeed(store.create('key', entry('data')))
    expect(relay.accepted).toBe(1)
    await expect.poll(() => relay.open, { timeout: 10_000 }).toBe(0)
    expect(await store.read('key')).toMatchObject(entry('data'))
    expect(relay.accepted).toBe(2)
  })
})

describe('7.4 a write whose reply is lost', () => {
  it('is UNAVAILABLE, is not sent again, and does not find its own key taken', async () => {
    const relay = await Relay.start(server.port)
    const store = openStore({ servers: relay.address })
    await succeed(store.create('other', entry('data')))
    const { onReply } = relay
    relay.onReply = (_bytes, socket) => {
      relay.onReply = onReply
      socket.destroy()
    }
    expect(await codeOf(store.create('key', entry('data')))).toBe('UNAVAILABLE')
    expect(await store.read('key')).toMatchObject(entry('data'))
    expect(relay.sent.match(/^add \S+:key /gm)).toHaveLength(1)
  })
})

describe('a server that is not memcached', () => {
  const key = '(\\S+)'
  const strangers: Readonly<Record<string, (commands: string) => string>> = {
    'repeats what it receives': (commands) => commands,
    'repeats the data that it receives': (commands) => `${commands.split('\r\n').at(-2)}\r\n`,
    'speaks HTTP': () => 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n',
    'speaks Redis': (commands) => `-ERR unknown command, with args beginning with: ${commands.trim()}\r\n`,
    'speaks SSH': () => 'SSH-2.0-OpenSSH_9.2\r\n',
    'answers ERROR': () => 'ERROR\r\n',
    'has too many connections': () => 'ERROR Too many open connections\r\n',
    'requires a password': () => 'CLIENT_ERROR unauthenticated\r\n',
    'reads data as commands': () => 'CLIENT_ERROR bad data chunk\r\nERROR\r\n',
    'is out of memory': () => 'SERVER_ERROR out of memory storing object\r\n',
    'quotes in a SERVER_ERROR what it received': (commands) => `SERVER_ERROR cannot ${commands}\r\n`,
    'quotes in a CLIENT_ERROR what it received': (commands) => `CLIENT_ERROR bad ${commands}\r\n`,
    'quotes in an ERROR what it received': (commands) => `ERROR unknown ${commands}\r\n`,
    'answers another command': () => 'OK\r\n',
    'answers with line ends only': () => '\r\n\n\r\r\n',
    'promises more than there is': (commands) =>
      `VALUE ${new RegExp(` ${key}`).exec(commands)?.[1]} 0 99999999999999999999 1\r\nx\r\nEND\r\n`,
    'sends more after a value': (commands) =>
      `VALUE ${new RegExp(` ${key}`).exec(commands)?.[1]} 0 1 1\r\nx\r\nSTORED\r\nEND\r\n`,
    'answers with the value of another key': () => 'VALUE sess:other 0 1 1\r\nx\r\nEND\r\n',
  }

  it.each(Object.entries(strangers))('and %s is UNAVAILABLE, and no error shows what was sent', async (_, answer) => {
    const address = await startImpostor((commands, socket) => socket.write(answer(commands)))
    const store = openStore({ servers: address, deadline: 300 })
    const calls = [
      () => store.create('hunter2', entry('hunter2')),
      () => store.read('hunter2'),
      () => store.update('hunter2', entry('hunter2'), 'hunter2-hunter2-'),
      () => store.destroy('hunter2'),
    ]
    for (const failing of calls) {
      const error = await failureOf(failing())
      expect(error.code).toBe('UNAVAILABLE')
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2')
    }
  })

  it('never makes the store read one key as another if it answers out of order', async () => {
    const address = await startImpostor((commands, socket) => {
      const keys = [...commands.matchAll(/^get (\S+)/gm)].map(([, name]) => name ?? '')
      const values = keys.map((name) => [name, `0123456789abcdef${FAR}:${name}`] as const)
      for (const [name, value] of values.toReversed())
        socket.write(`VALUE ${name} 0 ${value.length}\r\n${value}\r\nEND\r\n`)
    })
    const store = openStore({ servers: address, prefix: 'p:' })
    expect(await store.read('alone')).toMatchObject({ data: 'p:alone' })
    const outcomes = await Promise.all(['a', 'b'].map((name) => outcomeOf(store.read(name))))
    expect(outcomes).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
  })
})

describe('7.5 close', () => {
  it('lets calls in flight end, and then leaves no connection', async () => {
    const relay = await Relay.start(server.port)
    relay.onReply = (bytes, socket) => void setTimeout(() => socket.write(bytes), 100)
    const store = openStore({ servers: relay.address })
    const version = store.create('key', entry('data'))
    await store.close()
    expect(await version).toHaveLength(16)
    await expect.poll(() => relay.open, { timeout: 10_000 }).toBe(0)
    expect(await codeOf(store.read('key'))).toBe('CLOSED')
  })

  it('leaves no connection at the server, after 200 stores', async () => {
    const wire = await Wire.open(server.port)
    const before = await wire.stat('curr_connections')
    for (const n of numbers(200)) {
      const store = openStore({ servers: server.address })
      await store.destroy(`${n}`)
      await store.close()
    }
    await expect.poll(() => wire.stat('curr_connections'), { timeout: 10_000 }).toBeLessThanOrEqual(before)
  })
})
