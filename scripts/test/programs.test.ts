import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { findProgram, installProgram, type Program } from '../servers/binaries.js'
import { someMemcached, someMysql, somePostgres, someRedis } from '../servers/given.js'
import { isFree, newFolder, outputOf, servers } from './support.ts'

let folder = ''

beforeEach(() => {
  folder = newFolder()
})

describe('a server that the environment names', () => {
  const startAll = () => Promise.all([someRedis(), someMemcached(), somePostgres(), someMysql()])

  it('is used as it is', async () => {
    vi.stubEnv('SESS_REDIS_URL', 'redis://user@redis.example:6380/1')
    vi.stubEnv('SESS_MEMCACHED_SERVERS', 'one.example:11211, two.example:11212')
    vi.stubEnv('SESS_POSTGRES_URL', 'postgres://user@postgres.example/test')
    vi.stubEnv('SESS_MYSQL_URL', 'mysql://user@mysql.example/test')
    vi.stubEnv('PATH', folder)
    const [redis, memcached, postgres, mysql] = await startAll()
    expect(redis.url).toBe('redis://user@redis.example:6380/1')
    expect(memcached.servers).toEqual(['one.example:11211', 'two.example:11212'])
    expect(postgres.url).toBe('postgres://user@postgres.example/test')
    expect(mysql.url).toBe('mysql://user@mysql.example/test')
    await Promise.all([redis.stop(), memcached.stop(), postgres.stop(), mysql.stop()])
  })

  it('is replaced by a new server if it names none', async () => {
    vi.stubEnv('SESS_REDIS_URL', '')
    vi.stubEnv('SESS_MEMCACHED_SERVERS', undefined)
    vi.stubEnv('SESS_POSTGRES_URL', '')
    vi.stubEnv('SESS_MYSQL_URL', undefined)
    const [redis, memcached, postgres, mysql] = await startAll()
    const ports = [redis.url, ...memcached.servers, postgres.url, mysql.url].map((address) =>
      Number(/^(?:\w+:\/\/(?:\w+@)?)?127\.0\.0\.1:(\d+)(?:\/(?:postgres|test))?$/.exec(address)?.[1]),
    )
    for (const port of ports) expect(await isFree(port)).toBe(false)
    await Promise.all([redis.stop(), memcached.stop(), postgres.stop(), mysql.stop()])
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

  it('is not installed by the test that needs it, and the error names npm test', async () => {
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
      SESS_MYSQL_URL: 'mysql://mysql.example',
      SESS_NGINX: '/usr/sbin/nginx',
      SESS_HAPROXY: '/usr/sbin/haproxy',
      SESS_CADDY: '/usr/bin/caddy',
      SESS_PROMETHEUS: '/usr/bin/prometheus',
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
