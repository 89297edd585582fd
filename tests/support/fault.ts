import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startFaultProxy } from '@sess/conformance'
import type { Server } from '../../scripts/servers/server.js'
import type { Application } from './application.ts'
import { memcache, redis, type ServerBackend, sqlitePlace } from './backends.ts'

/** Milliseconds. */
export const DEADLINE = 400

/** The setting of one fault. */
export interface Scene {
  /** The options of an application in this setting. */
  readonly options: object
  /** Causes the fault. `application` serves sessions in this setting. */
  readonly begin: (application: Application) => void | Promise<void>
  readonly end: (application: Application) => void | Promise<void>
  readonly stop: () => Promise<void>
}

/** Something that fails while sessions are served, and then recovers. */
export interface Fault {
  readonly title: string
  readonly adapter: 'redis' | 'memcache' | 'sqlite'
  /** Entries that were stored before the fault exist afterwards. */
  readonly keeps: boolean
  /** What visitors notice: each one a failed request, some the loss of their session, or nothing. */
  readonly shows: 'failure' | 'loss' | 'nothing'
  /** The fault begins before the application starts. */
  readonly isEarly: boolean
  /** The application is down during the fault. */
  readonly isFatal: boolean
  readonly prepare: () => Promise<Scene>
}

const USUAL = { keeps: true, shows: 'failure', isEarly: false, isFatal: false } as const

const nothing = (): void => undefined

interface ServerFault {
  readonly begin: (server: Server) => void | Promise<void>
  readonly end: (server: Server) => void | Promise<void>
  readonly args?: readonly string[]
}

async function sceneAt(backend: ServerBackend, { begin, end, args = [] }: ServerFault): Promise<Scene> {
  const server = await backend.start({ args })
  return {
    options: backend.optionsAt(server.port, DEADLINE),
    begin: () => begin(server),
    end: () => end(server),
    stop: () => server.stop(),
  }
}

async function sceneBehindProxy(backend: ServerBackend): Promise<Scene> {
  const server = await backend.start()
  const proxy = await startFaultProxy(server.port)
  return {
    options: backend.optionsAt(proxy.port, DEADLINE),
    begin: () => proxy.set('cut replies'),
    end: () => proxy.set('none'),
    async stop() {
      await proxy.close()
      await server.stop()
    },
  }
}

async function sceneToCome(backend: ServerBackend): Promise<Scene> {
  const server = await backend.start()
  await server.kill()
  return {
    options: backend.optionsAt(server.port, DEADLINE),
    begin: nothing,
    end: () => server.restart(),
    stop: () => server.stop(),
  }
}

const killed: ServerFault = { begin: (server) => server.kill(), end: (server) => server.restart() }
const restarted: ServerFault = { begin: (server) => server.restart(), end: nothing }
const frozen: ServerFault = { begin: (server) => server.freeze(), end: (server) => server.thaw() }

function faultsOf(backend: ServerBackend): readonly Fault[] {
  const { adapter } = backend
  const fault = { ...USUAL, adapter }
  return [
    { ...fault, title: `${adapter} is killed`, keeps: false, prepare: () => sceneAt(backend, killed) },
    {
      ...fault,
      title: `${adapter} is restarted`,
      keeps: false,
      shows: 'loss',
      prepare: () => sceneAt(backend, restarted),
    },
    { ...fault, title: `${adapter} freezes`, prepare: () => sceneAt(backend, frozen) },
    { ...fault, title: `${adapter} is cut off in mid-reply`, prepare: () => sceneBehindProxy(backend) },
    {
      ...fault,
      title: `${adapter} is started after the application`,
      isEarly: true,
      prepare: () => sceneToCome(backend),
    },
  ]
}

const args = ['--appendonly', 'yes', '--appendfsync', 'always']
const durable = { ...USUAL, adapter: redis.adapter }
const durableFaults: readonly Fault[] = [
  {
    ...durable,
    title: 'redis with an append-only file is killed',
    prepare: () => sceneAt(redis, { ...killed, args }),
  },
  {
    ...durable,
    title: 'redis with an append-only file is restarted',
    shows: 'nothing',
    prepare: () => sceneAt(redis, { ...restarted, args }),
  },
]

const LOCK = fileURLToPath(new URL('../../packages/adapter-sqlite/test/fixtures/lock.js', import.meta.url))

async function sceneWithLock(): Promise<Scene> {
  const { file, options, stop } = sqlitePlace(DEADLINE)
  let locker: ChildProcess | undefined
  return {
    options,
    async begin() {
      locker = fork(LOCK, [file, 'BEGIN IMMEDIATE'])
      await Promise.race([once(locker, 'message'), failAtExit(locker)])
    },
    end: () => void locker?.send('unlock'),
    async stop() {
      locker?.kill('SIGKILL')
      await stop()
    },
  }
}

async function failAtExit(locker: ChildProcess): Promise<never> {
  const [code] = (await once(locker, 'exit')) as [number | null]
  throw new Error(`The process that should lock the file ended with exit code ${code}`)
}

const sqliteFault = { ...USUAL, adapter: 'sqlite' } as const
const sqliteFaults: readonly Fault[] = [
  { ...sqliteFault, title: 'another process holds the lock of the sqlite file', prepare: sceneWithLock },
  {
    ...sqliteFault,
    title: 'the sqlite file is deleted',
    keeps: false,
    shows: 'loss',
    async prepare() {
      const { file, options, stop } = sqlitePlace(DEADLINE)
      return { options, stop, begin: () => rmSync(file), end: nothing }
    },
  },
  {
    ...sqliteFault,
    title: 'the application is killed over its sqlite file',
    isFatal: true,
    async prepare() {
      const { options, stop } = sqlitePlace(DEADLINE)
      return { options, stop, begin: (application) => application.kill(), end: (application) => application.restart() }
    },
  },
]

export const faults: readonly Fault[] = [...faultsOf(redis), ...durableFaults, ...faultsOf(memcache), ...sqliteFaults]
