import { startFaultProxy } from '@sess/conformance'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startRedis } from '../../../scripts/servers/redis.js'
import { Application, expectNoSecrets, PASSWORD, Process, SPAWN_TIMEOUT } from './support.ts'

expectNoSecrets()

const sqlite = () => new Application({ name: 'sqlite' })

describe('the process', { timeout: SPAWN_TIMEOUT }, () => {
  it('finds the module, reads variables with --env, answers and ends', async () => {
    const app = sqlite()
    app.write('sess.mjs', app.text('', `if (process.env.PLACE !== 'here') throw new Error('no PLACE')`))
    app.write('variables', 'PLACE=here\n')
    await app.login(42)
    const { code, out, err } = await app.spawn('revoke 42 --config sess.mjs --env variables')
    expect({ code, out, err }).toEqual({ code: 0, out: 'Ended 1 session.\n', err: '' })
  })

  it('leaves variables that are set as they are', async () => {
    const app = sqlite()
    app.write('sess.mjs', app.text('', `if (process.env.PLACE !== 'set') throw new Error('replaced')`))
    app.write('variables', 'PLACE=here\n')
    const given = { env: { PLACE: 'set' } }
    expect(await app.spawn('check --config sess.mjs --env variables', given)).toMatchObject({ code: 0, err: '' })
  })

  it('ends although the module has opened a server and set a timer', async () => {
    const app = sqlite()
    const after = `import { createServer } from 'node:http'; createServer().listen(0, '127.0.0.1'); setInterval(() => {}, 1000)`
    app.write('sessions.mjs', app.text('', after))
    expect(await app.spawn('check')).toMatchObject({ code: 0, err: '' })
  })

  it('has its answer alone on standard output, whatever the module logs', async () => {
    const app = sqlite()
    app.write('sessions.mjs', app.text(`console.log('connected'); console.info('ready')`))
    const { code, out, err } = await app.spawn('check --json')
    expect([code, JSON.parse(out), err]).toEqual([0, { findings: [] }, 'connected\nready\n'])
  })

  it.each([
    ['calls process.exit()', 'process.exit(0)'],
    ['awaits what never comes', 'await new Promise(() => {})'],
  ])('ends with 2 when the module %s', async (_, line) => {
    const app = sqlite()
    app.write('sessions.mjs', app.text(line))
    const { code, out, err } = await app.spawn('check')
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^The process ended before the command had an answer: /)
    const json = await app.spawn('check --json')
    expect([json.code, JSON.parse(json.out).error.code, json.err]).toEqual([2, 'CONFIG_FAILED', ''])
  })

  it('ends with 3 and a message, not a stack, when something of the module fails that nothing catches', async () => {
    const app = sqlite()
    app.write(
      'sessions.mjs',
      app.text(
        '',
        `setImmediate(() => { throw new Error('redis://u:${PASSWORD}@h is gone') }); await new Promise(() => setInterval(() => {}, 1000))`,
      ),
    )
    expect(await app.spawn('check')).toEqual({ code: 3, out: '', err: 'redis://…@h is gone\n' })
  })

  it('reads the cookie from standard input', async () => {
    const app = sqlite()
    const cookie = await app.login(42)
    expect(await app.spawn('inspect', { stdin: cookie })).toMatchObject({ code: 0, err: '' })
  })

  it('ends without a message when nobody reads its answer to the end', async () => {
    const app = sqlite()
    await app.login(42, { device: 'x'.repeat(100_000) })
    const { child, ended } = new Process(app.folder.path, 'list 42 --data')
    child.stdout?.destroy()
    expect(await ended).toMatchObject({ code: 0, err: '' })
  })
})

describe('a store that is away', { timeout: SPAWN_TIMEOUT }, () => {
  const away = () =>
    new Application({ name: 'redis', options: { url: `redis://app:${PASSWORD}@127.0.0.1:1`, deadline: 500 } })

  it.each(['list 1', 'revoke 1', 'inspect'])('ends %s with 3, and the message has no password', async (args) => {
    const stdin = await signed()
    const { code, out, err } = await away().run(args, { stdin })
    expect([code, out]).toEqual([3, ''])
    expect(err).toMatch(/^The redis store failed.*ECONNREFUSED/)
    const json = await away().run(`${args} --json`, { stdin })
    expect([json.code, JSON.parse(json.out).error.code]).toEqual([3, 'UNAVAILABLE'])
  })

  it('is what check finds, so it ends with 1', async () => {
    const { code, out } = await away().run('check')
    expect(code).toBe(1)
    expect(out).toMatch(/^error UNAVAILABLE: .*ECONNREFUSED/)
  })

  /** A cookie that the application has signed. */
  async function signed(): Promise<string> {
    const at = new Application({ name: 'memory' })
    return at.login(1)
  }
})

describe('a signal', { timeout: SPAWN_TIMEOUT }, () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s in the middle of a revoke ends it with %i, and the next one ends the rest',
    async (signal, expected) => {
      const redis = await startRedis()
      const proxy = await startFaultProxy(redis.port)
      onTestFinished(async () => {
        await proxy.close()
        await redis.stop()
      })
      const direct = new Application({ name: 'redis', options: { url: redis.url } })
      for (let count = 0; count < 3; count++) await direct.login(42)
      const slow = new Application({
        name: 'redis',
        options: { url: `redis://127.0.0.1:${proxy.port}`, deadline: 60_000 },
      })
      await proxy.set({ delay: 1000 })
      const { child, ended } = new Process(slow.folder.path, 'revoke 42')
      const owner = (await direct.open()).owner(42)
      // The first swap has reached the server; its reply, and all that follows, is late.
      await vi.waitUntil(async () => (await owner.sessions()).length === 0, { timeout: 60_000, interval: 50 })
      child.kill(signal)
      const { code, out, err } = await ended
      expect([code, out]).toEqual([expected, ''])
      expect(err).toBe(`${signal} stopped the command. What it had done stays done; run it again to do the rest.\n`)
      expect(await direct.run('revoke 42')).toMatchObject({ code: 1 })
    },
  )
})
