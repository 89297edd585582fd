import { execFile } from 'node:child_process'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Fault, type FaultProxy, startFaultProxy } from '../../src/faults/proxy.ts'
import { EchoClient, type EchoServer, listen, settle, settleLong, startEchoServer, until } from '../support/echo.ts'

interface Setting {
  readonly server: EchoServer
  readonly proxy: FaultProxy
  /** A client whose connection has answered once. */
  readonly client: EchoClient
  /** A new connection through the proxy. */
  readonly connect: () => EchoClient
}

async function start(): Promise<Setting> {
  const server = await startEchoServer()
  const proxy = await startProxy(server.port)
  const connect = (): EchoClient => new EchoClient(proxy.port)
  const client = connect()
  expect(await client.ask('hello')).toBe('re: hello')
  return { server, proxy, client, connect }
}

async function startProxy(target: string | number): Promise<FaultProxy> {
  const proxy = await startFaultProxy(target)
  onTestFinished(() => proxy.close())
  return proxy
}

/** Asserts that no connection is left on either side. */
async function expectNoConnection({ server, proxy }: Setting): Promise<void> {
  await until(() => server.sockets.size === 0 && proxy.connections === 0)
  expect(server.sockets.size + proxy.connections).toBe(0)
}

/** More bytes than the system buffers for a connection. */
const HUGE = 20_000_000

const numbers = (count: number): readonly number[] => [...Array(count).keys()]

describe('without a fault', () => {
  it('passes requests and replies, on many connections at once', async () => {
    const { connect } = await start()
    const replies = numbers(200).map(async (n) => connect().ask(`${n}`))
    expect(await Promise.all(replies)).toEqual(numbers(200).map((n) => `re: ${n}`))
  })

  it('passes a large reply whole, no faster than the client reads it', async () => {
    const { client, server } = await start()
    client.socket.pause()
    client.send(`bytes ${HUGE}`)
    await until(() => server.lines.length === 2)
    await settleLong()
    const [socket] = server.sockets
    expect(socket?.writableLength).toBeGreaterThan(0)
    client.socket.resume()
    expect((await client.line()).length).toBe(HUGE - 1)
  })

  it('passes a large request whole, no faster than the server reads it', async () => {
    const { client, server } = await start()
    for (const socket of server.sockets) socket.pause()
    client.send('y'.repeat(HUGE))
    await settleLong()
    expect(client.socket.writableLength).toBeGreaterThan(0)
    for (const socket of server.sockets) socket.resume()
    expect((await client.line()).length).toBe('re: '.length + HUGE)
  })

  it('passes the end of the requests, and the replies that come after it', async () => {
    const { client, server } = await start()
    client.socket.end('last\n')
    await client.closed()
    expect({ received: client.received, broke: client.broke }).toEqual({ received: 're: last\n', broke: undefined })
    await until(() => server.sockets.size === 0)
  })

  it('passes the end of the replies', async () => {
    const { client, server, proxy } = await start()
    server.endAfterReply = true
    expect(await client.ask('last')).toBe('re: last')
    await client.closed()
    expect(client.broke).toBeUndefined()
    await until(() => proxy.connections === 0)
  })

  it('closes the connection to the server when a client breaks its own', async () => {
    const setting = await start()
    setting.client.socket.resetAndDestroy()
    await expectNoConnection(setting)
  })

  it('closes the connection to the server when a client breaks its own in the middle of a reply', async () => {
    const setting = await start()
    setting.client.socket.pause()
    setting.client.send(`bytes ${HUGE}`)
    await until(() => setting.server.lines.length === 2)
    await settleLong()
    setting.client.socket.resetAndDestroy()
    await expectNoConnection(setting)
  })

  it('breaks the connection to a client when the server does', async () => {
    const { client, server } = await start()
    for (const socket of server.sockets) socket.resetAndDestroy()
    await client.closed()
    expect(client.broke).toBe('ECONNRESET')
  })

  it('breaks the connection to a client when no server listens', async () => {
    const free = createServer()
    const port = await listen(free, 0)
    free.close()
    const proxy = await startProxy(port)
    const client = new EchoClient(proxy.port)
    await client.closed()
    expect(client.broke).toBe('ECONNRESET')
  })

  it('counts the connections that its clients have open', async () => {
    const { client, proxy, connect } = await start()
    const second = connect()
    await second.ask('b')
    expect(proxy.connections).toBe(2)
    client.socket.destroy()
    await until(() => proxy.connections === 1)
  })
})

describe('the target', () => {
  it.each([
    ['a port', (port: number) => port],
    ['digits', String],
    ['an IPv4 address', (port: number) => `127.0.0.1:${port}`],
    ['a name', (port: number) => `localhost:${port}`],
    // In this form, because not every machine has ::1.
    ['an IPv6 address', (port: number) => `[::ffff:127.0.0.1]:${port}`],
    ['a bare IPv6 address', (port: number) => `::ffff:127.0.0.1:${port}`],
  ])('may be %s', async (_, write) => {
    const server = await startEchoServer()
    const proxy = await startProxy(write(server.port))
    expect(await new EchoClient(proxy.port).ask('a')).toBe('re: a')
    expect(proxy).toMatchObject({ host: '127.0.0.1', address: `127.0.0.1:${proxy.port}` })
  })

  it.each(['', 'localhost', 'localhost:', ':6379', 'localhost:0', 'localhost:65536', 'redis://localhost', 1.5, -1])(
    'is refused where it is %o',
    async (target) => {
      await expect(startFaultProxy(target)).rejects.toThrow('expected host:port or a port')
    },
  )
})

describe('refuse', () => {
  it('resets open connections and refuses new ones', async () => {
    const { client, proxy, connect, server } = await start()
    await proxy.set('refuse')
    const refused = connect()
    await Promise.all([client.closed(), refused.closed()])
    expect([client.broke, refused.broke]).toEqual(['ECONNRESET', 'ECONNREFUSED'])
    await until(() => server.sockets.size === 0)
  })

  it('is over on the same port, time and again', async () => {
    const { proxy, connect } = await start()
    const { port } = proxy
    for (const n of numbers(20)) {
      await proxy.set('refuse')
      await proxy.set('refuse')
      await proxy.set('none')
      expect(await connect().ask(`${n}`)).toBe(`re: ${n}`)
    }
    expect(proxy.port).toBe(port)
  })

  it('says that its port was taken meanwhile, and goes on once that is free', async () => {
    const { proxy, connect } = await start()
    await proxy.set('refuse')
    const thief = createServer()
    onTestFinished(() => void thief.close())
    await listen(thief, proxy.port)
    await expect(proxy.set('none')).rejects.toThrow(`Port ${proxy.port} was taken`)
    await new Promise((resolve) => thief.close(resolve))
    await proxy.set('none')
    expect(await connect().ask('a')).toBe('re: a')
  })
})

describe('blackhole', () => {
  it('accepts connections, and swallows what is sent on new and open ones', async () => {
    const { client, proxy, connect, server } = await start()
    await proxy.set('blackhole')
    const late = connect()
    for (const each of [client, late]) each.send('swallowed')
    await settle()
    expect(server.lines).toEqual(['hello'])
    for (const each of [client, late]) {
      expect(each).toMatchObject({ received: '', broke: undefined, isEnded: false, isClosed: false })
    }
    expect(late.socket.connecting).toBe(false)
  })

  it('swallows the replies, and the end, of what was sent before', async () => {
    const { client, proxy, server } = await start()
    const reply = server.hold()
    client.send('before')
    await until(() => server.lines.includes('before'))
    await proxy.set('blackhole')
    server.endAfterReply = true
    reply()
    await settle()
    expect(client).toMatchObject({ received: '', isEnded: false, isClosed: false })
  })

  it('does not tell that the server broke a connection', async () => {
    const { client, proxy, server } = await start()
    await proxy.set('blackhole')
    for (const socket of server.sockets) socket.resetAndDestroy()
    await settle()
    expect(client).toMatchObject({ broke: undefined, isEnded: false, isClosed: false })
  })

  it('takes any amount, from where the server had not read on', async () => {
    const { client, proxy, server } = await start()
    for (const socket of server.sockets) socket.pause()
    client.send('y'.repeat(HUGE))
    await settleLong()
    await proxy.set('blackhole')
    await until(() => client.socket.writableLength === 0)
    expect(server.lines).toEqual(['hello'])
  })

  it('leaves a connection that lost something silent when it is over, and no other', async () => {
    const { client, proxy, connect } = await start()
    const idle = connect()
    await idle.ask('a')
    await proxy.set('blackhole')
    client.send('swallowed')
    await settle()
    await proxy.set('none')
    client.send('swallowed, too')
    expect(await idle.ask('b')).toBe('re: b')
    expect(await connect().ask('c')).toBe('re: c')
    expect(client).toMatchObject({ received: '', isClosed: false })
  })

  it('does not answer a farewell, and lets go of that connection when it is over', async () => {
    const setting = await start()
    await setting.proxy.set('blackhole')
    setting.client.socket.end()
    await settle()
    expect(setting.client.isClosed).toBe(false)
    await setting.proxy.set('none')
    await setting.client.closed()
    await expectNoConnection(setting)
  })

  it('lets go of a silent connection that its client ends later', async () => {
    const setting = await start()
    await setting.proxy.set('blackhole')
    setting.client.send('swallowed')
    await settle()
    await setting.proxy.set('none')
    setting.client.socket.end()
    await expectNoConnection(setting)
  })
})

describe('lose replies', () => {
  it('lets the request reach the server, and closes the connection in place of its reply', async () => {
    const { client, proxy, server } = await start()
    await proxy.set('lose replies')
    client.send('lost')
    await client.closed()
    expect(client.received).toBe('')
    expect(server.lines).toEqual(['hello', 'lost'])
    await until(() => server.sockets.size === 0)
  })

  it('loses the rest of a reply that is under way', async () => {
    const { client, proxy, server } = await start()
    client.socket.pause()
    client.send(`bytes ${HUGE}`)
    await until(() => server.lines.length === 2)
    await proxy.set('lose replies')
    client.socket.resume()
    await client.closed()
    expect(client.received.length).toBeLessThan(HUGE)
  })
})

describe('cut replies', () => {
  it.each(['a', 'y'.repeat(1_000_000)])('passes a part of the reply and closes the connection (%#)', async (line) => {
    const { client, proxy, server } = await start()
    await proxy.set('cut replies')
    client.send(line)
    await client.closed()
    const whole = `re: ${line}\n`
    expect(client.received.length).toBeGreaterThan(0)
    expect(client.received.length).toBeLessThan(whole.length)
    expect(whole.startsWith(client.received)).toBe(true)
    expect({ broke: client.broke, last: server.lines.at(-1) }).toEqual({ broke: undefined, last: line })
    await until(() => server.sockets.size === 0 && proxy.connections === 0)
  })

  it('passes nothing of a reply of one byte', async () => {
    const { client, proxy } = await start()
    await proxy.set('cut replies')
    client.send('bytes 1')
    await client.closed()
    expect(client.received).toBe('')
  })
})

describe('delay', () => {
  const HOUR = 3_600_000

  async function startLate(): Promise<Setting> {
    const setting = await start()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    await setting.proxy.set({ delay: HOUR })
    return setting
  }

  it('keeps a reply for as long', async () => {
    const { client } = await startLate()
    client.send('late')
    await until(() => vi.getTimerCount() === 1)
    vi.advanceTimersByTime(HOUR - 1)
    await settle()
    expect(client.received).toBe('')
    vi.advanceTimersByTime(1)
    expect(await client.line()).toBe('re: late')
  })

  it('delays a reply once, however long it is', async () => {
    const { client } = await startLate()
    client.send('bytes 2000000')
    await until(() => vi.getTimerCount() === 1)
    vi.advanceTimersByTime(HOUR)
    expect((await client.line()).length).toBe(1_999_999)
  })

  it('keeps the order of replies', async () => {
    const { client } = await startLate()
    for (const n of numbers(5)) {
      client.send(`${n}`)
      await settle()
    }
    for (const n of numbers(5)) {
      await until(() => vi.getTimerCount() === 1 || client.received.includes('\n'))
      vi.advanceTimersByTime(HOUR)
      expect(await client.line()).toBe(`re: ${n}`)
    }
  })

  it('is over at once when another fault is set', async () => {
    const { client, proxy } = await startLate()
    client.send('late')
    await until(() => vi.getTimerCount() === 1)
    await proxy.set('none')
    expect(await client.line()).toBe('re: late')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps no timer when the client has gone', async () => {
    const { client, server } = await startLate()
    client.send('late')
    await until(() => vi.getTimerCount() === 1)
    client.socket.resetAndDestroy()
    await until(() => server.sockets.size === 0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps a reply that the server ended the connection after', async () => {
    const { client, server } = await startLate()
    server.endAfterReply = true
    client.socket.end('late\n')
    await until(() => vi.getTimerCount() === 1)
    await settle()
    vi.advanceTimersByTime(HOUR)
    await client.closed()
    expect(client.received).toBe('re: late\n')
  })

  it('leaves a reply that it holds to a fault that loses it', async () => {
    const { client, proxy } = await startLate()
    client.send('late')
    await until(() => vi.getTimerCount() === 1)
    await proxy.set('lose replies')
    await client.closed()
    expect(client.received).toBe('')
  })
})

describe('loseReplyTo', () => {
  it('loses the reply to the request that it picks, by what the client sent', async () => {
    const { client, proxy, connect, server } = await start()
    const picked = `pick me ${'y'.repeat(200_000)}`
    const asked: string[] = []
    await proxy.set({
      loseReplyTo: (request) => {
        asked.push(request.toString())
        return request.includes('pick me')
      },
    })
    const other = connect()
    expect(await client.ask('a')).toBe('re: a')
    expect(await other.ask('b')).toBe('re: b')
    client.send(picked)
    await client.closed()
    expect(client.received).toBe('')
    expect(server.lines).toEqual(['hello', 'a', 'b', picked])
    expect(await other.ask('c')).toBe('re: c')
    expect(asked).toEqual(['a\n', 'b\n', `${picked}\n`, 'c\n'])
  })

  it('lets all that was sent reach the server, however slow it is to read', async () => {
    const { client, proxy, server } = await start()
    const before = server.bytes
    let sent = 0
    await proxy.set({ loseReplyTo: (request) => (sent = request.length) > 0 })
    for (const socket of server.sockets) socket.pause()
    client.send('y'.repeat(HUGE))
    await settleLong()
    for (const socket of server.sockets) socket.write('re: early\n')
    await client.closed()
    for (const socket of server.sockets) socket.resume()
    await until(() => server.sockets.size === 0)
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThan(HUGE)
    expect(server.bytes - before).toBe(sent)
  })

  it('loses the next reply alone, and counts anew each time it is set', async () => {
    const { proxy, connect } = await start()
    for (const n of numbers(3)) {
      const [first, second] = [connect(), connect()]
      await proxy.set({ loseReplyTo: (_, index) => index === 0 })
      first.send(`lost ${n}`)
      await first.closed()
      expect(first.received).toBe('')
      expect(await second.ask(`${n}`)).toBe(`re: ${n}`)
      expect(await connect().ask(`${n}`)).toBe(`re: ${n}`)
    }
  })

  it('asks once for a reply that comes in many pieces', async () => {
    const { client, proxy } = await start()
    const indices: number[] = []
    await proxy.set({ loseReplyTo: (_, index) => indices.push(index) === 0 })
    client.send('bytes 2000000')
    expect((await client.line()).length).toBe(1_999_999)
    expect(indices).toEqual([0])
  })
})

describe('changes of fault', () => {
  const FAULTS: readonly Fault[] = [
    'none',
    'refuse',
    'blackhole',
    'lose replies',
    'cut replies',
    { delay: 1 },
    { loseReplyTo: (_, index) => index % 2 === 0 },
  ]

  it('recovers from each into each, with many connections at work', async () => {
    const { proxy, connect, server } = await start()
    for (const first of FAULTS) {
      for (const second of FAULTS) {
        const clients = numbers(10).map(connect)
        for (const fault of [first, second]) {
          for (const client of clients) client.send('during')
          await proxy.set(fault)
          for (const client of clients) client.send('during')
        }
        for (const client of clients) client.socket.destroy()
        await proxy.set('none')
        const fresh = connect()
        expect(await fresh.ask('after')).toBe('re: after')
        fresh.socket.destroy()
      }
    }
    await until(() => proxy.connections === 1 && server.sockets.size === 1)
  })

  it('are made in the order in which they were asked for', async () => {
    const { proxy, connect } = await start()
    await Promise.all([proxy.set('refuse'), proxy.set('none'), proxy.set('refuse'), proxy.set('none')])
    expect(await connect().ask('a')).toBe('re: a')
  })
})

describe('close', () => {
  it.each<Fault>(['none', 'refuse', 'blackhole', { delay: 3_600_000 }])('ends everything, from %o', async (fault) => {
    const { client, proxy, connect, server } = await start()
    await proxy.set(fault)
    client.send('a')
    await Promise.all([proxy.close(), proxy.close()])
    await proxy.close()
    const late = connect()
    await Promise.all([client.closed(), late.closed()])
    expect(late.broke).toBe('ECONNREFUSED')
    await until(() => server.sockets.size === 0)
    await expect(proxy.set('none')).rejects.toThrow('The fault proxy is closed.')
  })

  it('lets the process exit, though the server does not answer its end', async () => {
    const deaf = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write('re\n'))
    })
    onTestFinished(() => void deaf.close())
    const program = `
      import { once } from 'node:events'
      import { connect } from 'node:net'
      import { setTimeout } from 'node:timers/promises'
      import { startFaultProxy } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      const proxy = await startFaultProxy(${await listen(deaf, 0)})
      for (const fault of ['none', 'blackhole', 'none', { delay: 3_600_000 }]) {
        await proxy.set(fault)
        const socket = connect(proxy.port, '127.0.0.1').on('error', () => {})
        await once(socket, 'connect')
        socket.write('a\\n')
        await setTimeout(50)
        socket.unref()
      }
      await proxy.close()
    `
    const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
    expect(stderr).toBe('')
  })
})

describe('the port of a proxy', () => {
  /** Makes the next proxies try these ports first. */
  function tryFirst(...ports: readonly number[]): void {
    const { randomInt } = crypto
    const left = [...ports]
    const replace = (random: (least: number, end: number) => number): void => {
      Object.assign(crypto, { randomInt: random })
      syncBuiltinESMExports()
    }
    replace((least, end) => left.shift() ?? randomInt(least, end))
    onTestFinished(() => replace(randomInt))
  }

  it('is not taken by another proxy while it refuses connections', async () => {
    const { proxy, server, connect } = await start()
    await proxy.set('refuse')
    tryFirst(proxy.port, proxy.port)
    const other = await startProxy(server.port)
    expect(other.port).not.toBe(proxy.port)
    await proxy.set('none')
    expect(await connect().ask('again')).toBe('re: again')
  })

  it('is free once the proxy is closed', async () => {
    const { proxy, server } = await start()
    await proxy.close()
    tryFirst(proxy.port)
    expect((await startProxy(server.port)).port).toBe(proxy.port)
  })
})
