import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { ALICE, callsOf, codeOf, SECRET, SLACK, succeed, works } from '../../../tests/support/stores.ts'
import { connect, ownServer } from './server.ts'
import { newPrefix, openStore } from './stores.ts'

async function connectionsOf(direct: Redis): Promise<number> {
  return (
    String(await direct.client('LIST'))
      .split('\n')
      .filter(Boolean).length - 1
  )
}

describe('7.5 close', () => {
  it('lets calls in flight end, refuses new ones, and may be called again', async () => {
    const { url } = await ownServer()
    const [prefix, witness] = [newPrefix(), connect(url)]
    const store = openStore({ url, prefix })
    const writes = Array.from({ length: 50 }, (_, n) => succeed(store.create(`key${n}`, ALICE)))
    const closed = Promise.all([store.close(), store.close()])
    for (const call of Object.values(callsOf(store))) expect(await codeOf(call)).toBe('CLOSED')
    await closed
    await store.close()
    await Promise.all(writes)
    expect(await witness.keys(`${prefix}*`)).toHaveLength(50)
  })

  it('closes the connection, and makes no other', async () => {
    const server = await ownServer()
    const direct = connect(server.url)
    const store = openStore({ url: server.url })
    await works(store)
    expect(await connectionsOf(direct)).toBe(1)
    await store.close()
    await expect.poll(() => connectionsOf(direct), { timeout: 10_000 }).toBe(0)
    await sleep(300)
    expect(await connectionsOf(direct)).toBe(0)
  })

  it.each(['down', 'frozen'])('is done within the deadline while the server is %s', async (state) => {
    const server = await ownServer()
    const store = openStore({ url: server.url, deadline: 500 })
    await works(store)
    if (state === 'down') await server.kill()
    else await server.freeze()
    const calls = Array.from({ length: 10 }, () => codeOf(() => store.read('key')))
    const began = performance.now()
    await store.close()
    expect(performance.now() - began).toBeLessThan(500 + SLACK)
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['UNAVAILABLE']))
  })
})

/** Programs that open a store with `open(options)`, and must end without `process.exit`. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'did not use it': `open({ url })`,
  'closed it at once': `await open({ url }).close()`,
  'used it and closed it': `
    const store = open({ url })
    await store.create('key', entry)
    await store.close()`,
  'could not use it, the server being down': `
    const store = open({ url: 'redis://127.0.0.1:1' })
    await store.create('key', entry).catch(() => {})
    await store.close()`,
  'closed it while it was trying to connect': `
    const store = open({ url: 'redis://127.0.0.1:1' })
    const calls = [store.create('key', entry).catch(() => {}), store.read('key').catch(() => {})]
    await store.close()
    await Promise.all(calls)`,
  'closed it between two attempts to connect': `
    const stores = [
      open({ url: 'redis://127.0.0.1:1' }),
      open({ nodes: [{ host: '127.0.0.1', port: 1 }] }),
      open({ sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'x' }),
    ]
    for (let n = 0; n < 3; n++) await Promise.all(stores.map((store) => store.read('key').catch(() => {})))
    await Promise.all(stores.map((store) => store.close()))`,
  'passed in a client and closed both': `
    const client = new Redis(url)
    const store = open({ client })
    await store.create('key', entry)
    await store.close()
    await client.quit()`,
  'passed in a client and closed that first': `
    const client = new Redis(url)
    const store = open({ client })
    await store.create('key', entry)
    await client.quit()
    await store.read('key')
    await store.close()`,
}

describe('7.5, 7.7 a program ends without process.exit that', () => {
  it.each(Object.entries(PROGRAMS))('%s', async (_what, program) => {
    const { url } = await ownServer()
    const source = `
      import redis from '@sess/adapter-redis'
      import { createAdapterContext } from '@sess/core/adapter'
      import { Redis } from 'ioredis'
      const context = createAdapterContext({ secret: '${SECRET}' })
      const open = (options) => redis(options, context)
      const [url, entry] = ['${url}', ${JSON.stringify(ALICE)}]
      ${program}
      console.log('done')`
    const options = { cwd: import.meta.dirname, timeout: 10_000 }
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], options)
    expect(await run).toEqual({ stdout: 'done\n', stderr: '' })
  })
})
