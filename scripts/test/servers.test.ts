import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CERTIFICATE, PRIVATE_KEY } from '../../packages/core/test/support/certificate.ts'
import { findProgram, installProgram, type Program } from '../servers/binaries.js'
import { someMemcached, somePostgres, someRedis } from '../servers/given.js'
import { startMemcached } from '../servers/memcached.js'
import { startNginx } from '../servers/nginx.js'
import { findBeside, startPostgres } from '../servers/postgres.js'
import { type Redis, startCluster, startRedis, startSentinels } from '../servers/redis.js'
import { ask, type Server } from '../servers/server.js'

const servers = new URL('../servers/', import.meta.url)

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-scripts-'))
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the statements in a process. Resolves with what it prints, once it exits. */
async function outputOf(statements: string, env: Record<string, string>): Promise<string> {
  const args = ['--input-type=module', '--eval', statements]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
  return stdout
}

const START = `
  import { startRedis } from '${new URL('redis.js', servers).href}'
  const redis = await startRedis()
  redis.freeze()
  console.log(redis.port)`

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  await once(server.close(), 'close')
  return true
}

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
    server.freeze()
    expect(await ask(server.port, put)).toBe('')
    server.thaw()
    await vi.waitFor(async () => expect(await holds(server)).toBe(true), 5000)
    await server.stop()
  })

  it('stops although it is frozen', async () => {
    const server = await start()
    server.freeze()
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

describe('nginx', () => {
  it('serves by https once it has started, and leaves nothing when it has stopped', async () => {
    vi.stubEnv('TMPDIR', folder)
    const location = "return 200 '$request_method $uri';"
    const nginx = await startNginx({ location, certificate: CERTIFICATE, privateKey: PRIVATE_KEY })
    const asked = request(`${nginx.origin}/page`, { ca: CERTIFICATE, agent: false }).end()
    const [response] = await once(asked, 'response')
    expect(await response.setEncoding('utf8').toArray()).toEqual(['GET /page'])
    await nginx.stop()
    expect(await isFree(nginx.port)).toBe(true)
    expect(readdirSync(folder)).toEqual([])
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
    server.freeze()
    const answer = client.ask('SELECT 2')
    expect(await Promise.race([answer, sleep(300)])).toBe(undefined)
    server.thaw()
    expect(await answer).toBe('2')
    server.freeze()
    await server.stop()
    expect(await isFree(server.port)).toBe(true)
    await client.close()
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
      server.freeze()
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

describe('sentinels', () => {
  it('make the replica the master when the master dies', async () => {
    vi.stubEnv('TMPDIR', folder)
    const { sentinels, name, master, replica, stop } = await startSentinels()
    const current = () =>
      Promise.all(sentinels.map(({ port }) => ask(port, `SENTINEL GET-MASTER-ADDR-BY-NAME ${name}`)))
    for (const answer of await current()) expect(answer).toContain(String(master().port))
    await master().kill()
    await vi.waitFor(async () => {
      for (const answer of await current()) expect(answer).toContain(String(replica().port))
    }, 10_000)
    await stop()
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a cluster', () => {
  it('serves every slot, and a replica takes the place of a master that dies', async () => {
    vi.stubEnv('TMPDIR', folder)
    const { nodes, addresses, masters, stop } = await startCluster()
    expect(addresses).toEqual(nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
    const before = await masters()
    expect(before).toHaveLength(3)
    const serve = async (of: readonly Redis[]) => {
      const answers = await Promise.all(
        of.map(({ port }) => ask(port, 'SET a 1', 'SET b 1', 'SET c 1', 'CLUSTER INFO')),
      )
      expect(answers.join('').match(/\+OK\r\n/g)).toHaveLength(of.length + 3)
      for (const answer of answers) expect(answer).toContain('cluster_state:ok')
    }
    await serve(before)

    await before[0]?.kill()
    await vi.waitFor(async () => {
      expect(await masters()).toHaveLength(3)
      await serve(await masters())
    }, 10_000)
    expect(await masters()).not.toContain(before[0])
    await stop()
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a server that the environment names', () => {
  it('is used as it is', async () => {
    vi.stubEnv('SESS_REDIS_URL', 'redis://user@redis.example:6380/1')
    vi.stubEnv('SESS_MEMCACHED_SERVERS', 'one.example:11211, two.example:11212')
    vi.stubEnv('SESS_POSTGRES_URL', 'postgres://user@postgres.example/test')
    vi.stubEnv('PATH', folder)
    const [redis, memcached, postgres] = await Promise.all([someRedis(), someMemcached(), somePostgres()])
    expect(redis.url).toBe('redis://user@redis.example:6380/1')
    expect(memcached.servers).toEqual(['one.example:11211', 'two.example:11212'])
    expect(postgres.url).toBe('postgres://user@postgres.example/test')
    await Promise.all([redis.stop(), memcached.stop(), postgres.stop()])
  })

  it('is replaced by a new server if it names none', async () => {
    vi.stubEnv('SESS_REDIS_URL', '')
    vi.stubEnv('SESS_MEMCACHED_SERVERS', undefined)
    vi.stubEnv('SESS_POSTGRES_URL', '')
    const [redis, memcached, postgres] = await Promise.all([someRedis(), someMemcached(), somePostgres()])
    const ports = [redis.url, ...memcached.servers, postgres.url].map((address) =>
      Number(/^(?:\w+:\/\/(?:postgres@)?)?127\.0\.0\.1:(\d+)(?:\/postgres)?$/.exec(address)?.[1]),
    )
    for (const port of ports) expect(await isFree(port)).toBe(false)
    await Promise.all([redis.stop(), memcached.stop(), postgres.stop()])
    for (const port of ports) expect(await isFree(port)).toBe(true)
  })
})

describe('a program that is missing', () => {
  const put = (name: string, script = '') => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  const logged = () =>
    existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8').trim().split('\n') : []
  const APT = `
    here=\${0%/*}
    echo "$*" >>"$here/log"
    if [ "$1" = install ]; then for name; do :; done; echo >"$here/$name"; /bin/chmod +x "$here/$name"; fi`
  let user = 0

  beforeEach(() => {
    user = 0
    symlinkSync('/bin/sh', join(folder, 'sh'))
    vi.spyOn(console, 'error').mockReturnValue()
    vi.spyOn(process, 'getuid').mockImplementation(() => user)
  })

  it.each<[string, Program, string]>([
    ['dnf', 'redis-server', 'sudo dnf install valkey-compat-redis'],
    ['apk', 'memcached', 'sudo apk add memcached'],
    ['brew', 'redis-server', 'brew install redis'],
    ['brew', 'chromium', 'brew install --cask chromium'],
    ['nothing', 'memcached', 'https://memcached.org/downloads'],
  ])('is an error that says how to install it: %s', async (tool, program, command) => {
    put(tool)
    await expect(findProgram(program, folder)).rejects.toThrow(`${program}, and it is not on the PATH. Install it: `)
    await expect(findProgram(program, folder)).rejects.toThrow(command)
    await expect(findProgram(program, folder)).rejects.toThrow(/SESS_(?:REDIS_URL|MEMCACHED_SERVERS|CHROMIUM)/)
  })

  it('is not installed by the test that starts it, whoever runs that, and the error names npm test', async () => {
    put('apt-get', APT)
    vi.stubEnv('SESS_INSTALL', '1')
    await expect(findProgram('memcached', folder)).rejects.toThrow('Or run `npm test` without arguments')
    expect(logged()).toEqual([])
  })

  it('is an error in a unit test even if it is there', async () => {
    put('memcached')
    expect(await findProgram('memcached', folder)).toBe(join(folder, 'memcached'))
    vi.stubEnv('SESS_UNIT', '1')
    await expect(findProgram('memcached', folder)).rejects.toThrow('unit tests need Node alone')
  })

  it('is installed by the set-up where apt-get is, and never again', async () => {
    put('apt-get', APT)
    for (let time = 0; time < 2; time++) {
      expect(await installProgram('redis-server', folder)).toBe(join(folder, 'redis-server'))
    }
    expect(logged()).toEqual(['update', expect.stringMatching(/^install -y .* redis-server$/)])
    expect(vi.mocked(console.error).mock.calls).toHaveLength(1)
  })

  it('is installed by sudo if that asks for no password', async () => {
    user = 1000
    put('sudo', 'echo "sudo $*" >>"${0%/*}/log"; shift; [ "$1" = true ] || exec "$@"')
    put('apt-get', APT)
    expect(await installProgram('memcached', folder)).toBe(join(folder, 'memcached'))
    expect(logged()[0]).toBe('sudo -n true')
  })

  it('is an error that says how to install it if sudo would ask for a password', async () => {
    user = 1000
    put('sudo', 'exit 1')
    put('apt-get', APT)
    await expect(installProgram('memcached', folder)).rejects.toThrow('sudo apt-get update && sudo apt-get install')
    expect(logged()).toEqual([])
  })

  it('is installed when another apt has ended', async () => {
    const busy = 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)'
    put('apt-get', `[ -e ${folder}/waited ] || { echo >${folder}/waited; echo "${busy}" >&2; exit 100; }; ${APT}`)
    expect(await installProgram('redis-server', folder)).toBe(join(folder, 'redis-server'))
  })

  it('is an error with what apt-get said if that fails', async () => {
    put('apt-get', 'echo "E: Unable to locate package redis-server" >&2; exit 100')
    await expect(installProgram('redis-server', folder)).rejects.toThrow('E: Unable to locate package redis-server')
  })

  it('fails the whole run, unless the environment gives a server instead', async () => {
    const run = `import { setup } from '${new URL('setup.js', servers).href}'; await setup()`
    const others = {
      SESS_POSTGRES_URL: 'postgres://postgres.example',
      SESS_NGINX: '/usr/sbin/nginx',
      SESS_CHROMIUM: '/usr/bin/chromium',
    }
    const none = { PATH: folder, SESS_REDIS_URL: '', SESS_MEMCACHED_SERVERS: '', ...others }
    const [redis, memcached] = [
      { SESS_REDIS_URL: 'redis://redis.example' },
      { SESS_MEMCACHED_SERVERS: 'one.example:11211' },
    ]
    await expect(outputOf(run, none)).rejects.toThrow('Tests start redis-server')
    await expect(outputOf(run, { ...none, ...redis })).rejects.toThrow('Tests start memcached')
    expect(await outputOf(run, { ...none, ...redis, ...memcached })).toBe('')
  })
})
