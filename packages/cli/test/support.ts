import { type ChildProcess, spawn } from 'node:child_process'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { OwnedSession, Sessions } from '@sess/core'
import { afterAll, expect, onTestFinished } from 'vitest'
import { Installation } from '../../core/test/support/installation.ts'
import { main } from '../dist/command.js'

export const CLI: string = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
export const SECRET = 'a secret of the tests, of 32 bytes or more'
const PASSWORD = 'correct-horse-battery'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Given {
  readonly stdin?: string
  /** In addition to the variables of this process. */
  readonly env?: NodeJS.ProcessEnv
}

/** What no command may write: the secret, a password, and every token that a login of these tests has made. */
const secrets = new Set([SECRET, PASSWORD])

/** What the commands of a test file have written. */
const written: string[] = []

/** Call it once in a test file: no command that the file has run may have written a secret. */
export function expectNoSecrets(): void {
  afterAll(() => {
    expect(written.length).toBeGreaterThan(0)
    for (const text of written) for (const secret of secrets) expect(text).not.toContain(secret)
  })
}

export type Visitor = { userId: string | number; device: string }

/** The options of a store as a module writes them, such as `'redis', { url }`. */
interface Store {
  readonly name: 'sqlite' | 'redis' | 'cookie' | 'memory'
  readonly options?: object
}

/** An application with a module that exports its sessions. It is removed when the test ends. */
export class Application {
  readonly folder: Installation
  readonly #options: object
  readonly #name: Store['name']
  #modules = 0

  constructor({ name, options = {} }: Store, core: object = { owner: 'userId' }) {
    this.folder = Installation.forTest().link('core', `adapter-${name}`)
    this.#name = name
    const file = name === 'sqlite' ? { file: this.folder.at('sessions.sqlite') } : {}
    this.#options = { secret: SECRET, ...file, ...options, ...core }
    this.folder.write({ 'sessions.mjs': this.text() })
  }

  /** The module, with other lines around what it exports, and with more options. */
  text(before = '', after = '', more = ''): string {
    const call = `sessions('${this.#name}', { ...${JSON.stringify(this.#options)}, ${more} })`
    return `import { sessions } from '@sess/core'\n${before}\nexport const sess = ${call}\n${after}\n`
  }

  /** Adds a file. */
  write(name: string, text: string): this {
    this.folder.write({ [name]: text })
    return this
  }

  /** Writes a copy of the module: a module is loaded once, and the command closes its sessions. */
  #copy(more?: string): string {
    const name = `sessions-${this.#modules++}.mjs`
    this.write(name, this.text('', '', more))
    return name
  }

  /** The same sessions as the module's, for the test, at a time in epoch milliseconds. They are closed when it ends. */
  async open(at?: number): Promise<Sessions<Visitor>> {
    const name = this.#copy(at === undefined ? '' : `clock: () => ${at}`)
    const { sess }: { sess: Sessions<Visitor> } = await import(pathToFileURL(this.folder.at(name)).href)
    onTestFinished(() => sess.close())
    return sess
  }

  /** The sessions of a user. */
  async listed(userId: string | number): Promise<readonly OwnedSession<Visitor>[]> {
    const sess = await this.open()
    return sess.owner(userId).sessions()
  }

  /** Logs a user in, at a time in epoch milliseconds. Resolves with the `Set-Cookie` header. */
  async login(userId: string | number, more: Partial<Visitor> = {}, at = Date.now()): Promise<string> {
    const sess = await this.open(at)
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { userId, device: 'phone', ...more })
    const [, cookie = ''] = (await exchange.commit(200)).find(([name]) => name === 'set-cookie') ?? []
    // In this process the command would share its store, and the store would go by the earlier clock.
    await sess.close()
    secrets.add(tokenOf(cookie))
    return cookie
  }

  /** Runs the command in this process. */
  async run(args: string, { stdin = '' }: Given = {}): Promise<Ran> {
    const [command = '', ...rest] = args.split(' ')
    return runHere(this.folder.path, [command, '--config', this.#copy(), ...rest], stdin)
  }

  /** Runs the installed command in its own process. */
  spawn(args: string, given?: Given): Promise<Ran> {
    return new Process(this.folder.path, args, given).ended
  }
}

export function tokenOf(setCookie: string): string {
  return /=([^;]+)/.exec(setCookie)?.[1] ?? ''
}

/** Runs the command in this process. */
export async function runHere(cwd: string, args: readonly string[], stdin = ''): Promise<Ran> {
  const [stdout, stderr] = [new Text(), new Text()]
  const { signal } = new AbortController()
  const code = await main(args, { stdin: Readable.from([stdin]), stdout, stderr, cwd, signal })
  return noted({ code, out: stdout.text, err: stderr.text })
}

function noted(ran: Ran): Ran {
  written.push(ran.out, ran.err)
  return ran
}

/** Keeps what is written to it. */
export class Text extends Writable {
  text = ''

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** The command in a process of its own, without the variables of the test runner. It is killed when the test ends. */
export class Process {
  readonly child: ChildProcess
  readonly ended: Promise<Ran>

  constructor(cwd: string, args: string, { stdin = '', env: more = {} }: Given = {}) {
    const own = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|npm_|NODE_OPTIONS)/.test(name))
    const env = { ...Object.fromEntries(own), ...more }
    const [out, err] = [new Text(), new Text()]
    const child = spawn(process.execPath, [CLI, ...args.split(' ').filter((arg) => arg !== '')], { cwd, env })
    child.stdout.pipe(out)
    child.stderr.pipe(err)
    child.stdin.on('error', () => undefined).end(stdin)
    onTestFinished(() => void child.kill('SIGKILL'))
    this.child = child
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => resolve(noted({ code, out: out.text, err: err.text })))
    })
  }
}

/** In milliseconds: starting Node takes seconds on a busy machine. */
export const SPAWN_TIMEOUT = 120_000
export { PASSWORD }
