import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { CERTIFICATE, PRIVATE_KEY } from '../../packages/core/test/support/certificate.ts'
import { startCaddy } from '../servers/caddy.js'
import { startHaproxy } from '../servers/haproxy.js'
import { startMariadb } from '../servers/mariadb.js'
import { startMemcached } from '../servers/memcached.js'
import { oneLocation, startNginx } from '../servers/nginx.js'
import { findBeside, startPostgres } from '../servers/postgres.js'
import { promtool, startPrometheus } from '../servers/prometheus.js'
import { startRedis } from '../servers/redis.js'
import { ask, type Server } from '../servers/server.js'
import type { Site } from '../servers/site.js'
import { isFree, newFolder, outputOf, servers } from './support.ts'

let folder = ''

beforeEach(() => {
  folder = newFolder()
})

const START = `
  import { startRedis } from '${new URL('redis.js', servers).href}'
  const redis = await startRedis()
  await redis.freeze()
  console.log(redis.port)`

interface Kind {
  readonly start: (options?: { port?: number; args?: readonly string[] }) => Promise<Server>
  readonly put: string
  readonly get: string
}

const kinds: Record<string, Kind> = {
  redis: { start: startRedis, put: 'SET key value', get: 'GET key' },
  memcached: { start: startMemcached, put: 'set key 0 0 5\r\nvalue', get: 'get key' },
}

describe.each(Object.entries(kinds))('%s', (_, { start, put, get }) => {
  const holds = async ({ port }: Server) => (await ask(port, get)).includes('value')

  beforeEach(() => {
    vi.stubEnv('TMPDIR', folder)
  })

  it('serves once it has started, and leaves nothing when it has stopped', async () => {
    const server = await start()
    await ask(server.port, put)
    expect(await holds(server)).toBe(true)
    expect(readdirSync(folder)).toHaveLength(1)
    await server.stop()
    expect(await isFree(server.port)).toBe(true)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is gone when it is killed, and comes back empty on the same port', async () => {
    const server = await start()
    await ask(server.port, put)
    const { pid } = server
    await server.kill()
    expect(await isFree(server.port)).toBe(true)
    await server.restart()
    expect(server.pid).not.toBe(pid)
    expect(await ask(server.port, get)).not.toBe('')
    expect(await holds(server)).toBe(false)
    await server.stop()
  })

  it('restarts while it runs, and after it was stopped', async () => {
    const server = await start()
    await ask(server.port, put)
    await server.restart()
    expect(await holds(server)).toBe(false)
    await server.stop()
    await server.restart()
    await ask(server.port, put)
    expect(await holds(server)).toBe(true)
    await server.stop()
    expect(readdirSync(folder)).toEqual([])
  })

  it('answers nothing while it is frozen, and what it was asked meanwhile when it thaws', async () => {
    const server = await start()
    await server.freeze()
    expect(await ask(server.port, put)).toBe('')
    server.thaw()
    await vi.waitFor(async () => expect(await holds(server)).toBe(true), 5000)
    await server.stop()
  })

  it('stops although it is frozen', async () => {
    const server = await start()
    await server.freeze()
    await server.stop()
    expect(await isFree(server.port)).toBe(true)
  })

  it('takes another port when the next one is taken', async () => {
    const first = await start()
    const other = createServer().listen(first.port + 1, '127.0.0.1')
    await once(other, 'listening')
    const second = await start()
    expect(second.port).toBe(first.port + 2)
    other.close()
    await Promise.all([first.stop(), second.stop()])
  })

  it('throws if the given port is in use, and leaves nothing', async () => {
    const first = await start()
    await expect(start({ port: first.port })).rejects.toThrow('in use')
    await first.stop()
    expect(readdirSync(folder)).toEqual([])
  })

  it('reports what the server printed about its arguments', async () => {
    await expect(start({ args: ['--nonsense'] })).rejects.toThrow('nonsense')
  })
})

describe('redis', () => {
  it('keeps over a restart what its arguments keep', async () => {
    const redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    await ask(redis.port, 'SET key value')
    await redis.kill()
    await redis.restart()
    expect(await ask(redis.port, 'GET key')).toContain('value')
    await redis.stop()
  })

  it('starts with a password', async () => {
    const redis = await startRedis({ args: ['--requirepass', 'password'] })
    expect(await ask(redis.port, 'PING')).toContain('-NOAUTH')
    await redis.stop()
  })
})

const sites: Record<string, readonly [start: (site: Site) => Promise<Server>, settings: Site['settings']]> = {
  nginx: [startNginx, oneLocation("return 200 '$request_method $uri';")],
  haproxy: [
    startHaproxy,
    ({ port, both }) => `
      defaults
        mode http
        timeout client 10s
      frontend site
        bind 127.0.0.1:${port} ssl crt ${both}
        http-request return status 200 content-type text/plain lf-string "%[method] %[path]"\n`,
  ],
  caddy: [
    startCaddy,
    ({ port, certificate, privateKey }) => `
      https://localhost:${port} {
        tls ${certificate} ${privateKey}
        respond "{method} {path}"
      }`,
  ],
}

describe.each(Object.entries(sites))('%s', (_name, [start, settings]) => {
  it('serves by https once it has started, and leaves nothing when it has stopped', async () => {
    vi.stubEnv('TMPDIR', folder)
    const proxy = await start({ settings, certificate: CERTIFICATE, privateKey: PRIVATE_KEY })
    const address = { host: '127.0.0.1', port: proxy.port, path: '/page', servername: 'localhost' }
    const headers = { host: `localhost:${proxy.port}` }
    const [response] = await once(request({ ...address, headers, ca: CERTIFICATE, agent: false }).end(), 'response')
    expect(await response.setEncoding('utf8').toArray()).toEqual(['GET /page'])
    await proxy.stop()
    expect(await isFree(proxy.port)).toBe(true)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is an error that says why if its settings are wrong', async () => {
    const wrong = { settings: () => 'nonsense {\n  nonsense\n}\n', certificate: CERTIFICATE, privateKey: PRIVATE_KEY }
    await expect(start(wrong)).rejects.toThrow(/did not start on port \d+:\n(?:.*\n)*.*nonsense/)
  })
})

describe('prometheus', () => {
  it('answers queries once it has started, and leaves nothing when it has stopped', async () => {
    vi.stubEnv('TMPDIR', folder)
    const prometheus = await startPrometheus({ config: 'scrape_configs: []\n' })
    const answer = await fetch(`${prometheus.origin}/api/v1/query?query=1%2B1`)
    expect(await answer.json()).toMatchObject({ data: { result: [expect.any(Number), '2'] } })
    await expect(startPrometheus({ config: '', port: prometheus.port })).rejects.toThrow('in use')
    await prometheus.stop()
    expect(await isFree(prometheus.port)).toBe(true)
    expect(readdirSync(folder)).toEqual([])
  })

  it('reports what it printed about its configuration', async () => {
    await expect(startPrometheus({ config: 'nonsense: 1\n' })).rejects.toThrow('nonsense')
  })

  it('comes with promtool', async () => {
    writeFileSync(`${folder}/rules.yml`, 'groups: nonsense\n')
    expect(await promtool(['check', 'rules', 'rules.yml'], folder)).toMatchObject({ failed: true })
  })
})

describe('postgres', () => {
  /** Starts a client. It is connected once the first statement is answered. */
  async function connectTo(url: string) {
    const psql = spawn(await findBeside('psql'), ['-XAtq', url])
    psql.stdout.setEncoding('utf8')
    return {
      /** Resolves with the next output, which may be the answer to an earlier statement. */
      ask(sql: string): Promise<string> {
        const answer = new Promise<string>((resolve) => {
          psql.stdout.once('data', (text: string) => resolve(text.trim()))
          psql.once('close', () => resolve('closed'))
        })
        psql.stdin.write(`${sql};\n`)
        return answer
      },
      close: async () => {
        psql.stdin.end()
        await once(psql, 'close')
      },
    }
  }

  const PUT = 'CREATE TABLE t AS SELECT 7 AS value; SELECT value FROM t'
  const GET = 'SELECT value FROM t'

  beforeEach(() => {
    vi.stubEnv('TMPDIR', folder)
    // PostgreSQL runs as another user if this one is root.
    chmodSync(folder, 0o755)
  })

  it('keeps over a restart what it was given, and leaves nothing when it has stopped', async () => {
    const server = await startPostgres()
    const first = await connectTo(server.url)
    expect(await first.ask(PUT)).toBe('7')
    await expect(startPostgres({ port: server.port })).rejects.toThrow('in use')
    const { pid } = server
    await server.kill()
    expect(await first.ask(GET)).toBe('closed')
    expect(await isFree(server.port)).toBe(true)
    await server.restart()
    expect(server.pid).not.toBe(pid)
    const second = await connectTo(server.url)
    expect(await second.ask(GET)).toBe('7')
    await server.stop()
    expect(await isFree(server.port)).toBe(true)
    expect(readdirSync(folder)).toEqual([])
    await second.close()
  })

  it('answers no client while it is frozen; thaws, and stops although it is frozen', async () => {
    const server = await startPostgres()
    const client = await connectTo(server.url)
    expect(await client.ask('SELECT 1')).toBe('1')
    await server.freeze()
    const answer = client.ask('SELECT 2')
    expect(await Promise.race([answer, sleep(300)])).toBe(undefined)
    server.thaw()
    expect(await answer).toBe('2')
    await server.freeze()
    await server.stop()
    expect(await isFree(server.port)).toBe(true)
    await client.close()
  })
})

describe('mariadb', () => {
  /** Runs statements with MariaDB's own client. Resolves with what they return. */
  async function answerTo(port: number, sql: string): Promise<string> {
    const args = ['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', `--port=${port}`, '--user=root', '-BN', 'test']
    const { stdout } = await promisify(execFile)('mariadb', [...args, '-e', sql])
    return stdout.trim()
  }

  beforeEach(() => {
    vi.stubEnv('TMPDIR', folder)
  })

  it('keeps over a restart what it was given, and leaves nothing when it has stopped', async () => {
    const server = await startMariadb()
    expect(await answerTo(server.port, 'CREATE TABLE t AS SELECT 7 AS value; SELECT value FROM t')).toBe('7')
    await expect(startMariadb({ port: server.port })).rejects.toThrow('in use')
    const { pid } = server
    await server.kill()
    expect(await isFree(server.port)).toBe(true)
    await server.restart()
    expect(server.pid).not.toBe(pid)
    expect(await answerTo(server.port, 'SELECT value FROM t')).toBe('7')
    await server.stop()
    expect(await isFree(server.port)).toBe(true)
    expect(readdirSync(folder)).toEqual([])
  })

  it('answers no client while it is frozen; thaws, and stops although it is frozen', async () => {
    const server = await startMariadb()
    await server.freeze()
    const answer = answerTo(server.port, 'SELECT 2')
    expect(await Promise.race([answer, sleep(300)])).toBe(undefined)
    server.thaw()
    expect(await answer).toBe('2')
    await server.freeze()
    await server.stop()
    expect(await isFree(server.port)).toBe(true)
  })

  it('reports what it printed about its arguments', async () => {
    await expect(startMariadb({ args: ['--nonsense'] })).rejects.toThrow('nonsense')
  })
})

describe('the end of the process', () => {
  const isCleared = async (port: number) => (await isFree(port)) && readdirSync(folder).length === 0

  it('ends a server that was not stopped', async () => {
    const port = Number(await outputOf(START, { TMPDIR: folder }))
    await vi.waitFor(async () => expect(await isCleared(port)).toBe(true), 5000)
  })

  it('ends the servers even if it is killed', async () => {
    const args = ['--input-type=module', '--eval', `${START}; setInterval(() => {}, 1000)`]
    const child = spawn(process.execPath, args, { env: { ...process.env, TMPDIR: folder } })
    const [text] = await once(child.stdout, 'data')
    const port = Number(text)
    expect(await isCleared(port)).toBe(false)
    child.kill('SIGKILL')
    await vi.waitFor(async () => expect(await isCleared(port)).toBe(true), 5000)
  })

  it('ends what a server has started, too, although it is frozen', async () => {
    chmodSync(folder, 0o755)
    const list = `
      import { startPostgres } from '${new URL('postgres.js', servers).href}'
      import { childrenOf } from '${new URL('server.js', servers).href}'
      const server = await startPostgres()
      await server.freeze()
      console.log(childrenOf(server.pid).join(' '))`
    const children = (await outputOf(list, { TMPDIR: folder })).trim().split(' ')
    expect(children.length).toBeGreaterThan(1)
    // A process that has ended stays a zombie until its parent collects its exit status.
    const isOver = (pid: string) =>
      !existsSync(`/proc/${pid}/stat`) || / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    await vi.waitFor(() => {
      expect(children.filter((pid) => !isOver(pid))).toEqual([])
      expect(readdirSync(folder)).toEqual([])
    }, 5000)
  })
})
