// Starts a server for a test: on a free port of 127.0.0.1, in a new folder. Both end with the test's process.
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { connect, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram } from './binaries.js'

/**
 * @typedef {object} Server
 * @property {number} port
 * @property {number} pid the process that runs now, or ran last
 * @property {() => Promise<void>} kill sends SIGKILL, to its child processes too; the folder stays, for a restart
 * @property {() => Promise<void>} stop ends it, also while it is frozen, and removes the folder
 * @property {() => Promise<void>} restart kills it, and starts it on the same port with the same arguments
 * @property {() => Promise<void>} freeze sends SIGSTOP, to its child processes too, and waits until they have stopped: it
 *   then accepts connections and answers nothing
 * @property {() => void} thaw sends SIGCONT
 * @property {() => string} log what it has written to its console since it started
 */

const STOP_MS = 2000
const START_MS = 10_000
const ASK_MS = 1000
const ATTEMPTS = 20

/**
 * A shell script that cleans up after the test's process. It reads a line for each change: the id of the process that now
 * runs in the folder, or 0. When the test's process ends, even by SIGKILL, the input ends: then the script kills the
 * server if it runs, and removes the folder.
 */
const KEEPER = `
  last=0; while read -r pid; do last=$pid; done
  if [ "$last" != 0 ]; then kill -KILL $(cat "/proc/$last/task/$last/children" 2>/dev/null) "$last"; fi
  rm -rf "$0"`

/** @param {string} folder */
const logIn = (folder) => join(folder, 'log')

function makeFolder() {
  const path = mkdtempSync(join(tmpdir(), 'sess-server-'))
  // Detached, so that Ctrl-C, which the terminal sends to the whole process group, does not end it too early.
  const keeper = spawn('sh', ['-c', KEEPER, path], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const gone = once(keeper, 'exit')
  keeper.unref()
  return {
    path,
    /** @param {number} pid of what runs now, or 0 */
    keep: (pid) => keeper.stdin.write(`${pid}\n`),
    async remove() {
      keeper.ref()
      keeper.stdin.end()
      await gone
    },
  }
}

/**
 * The running child processes of a process, or undefined if the system does not list them (only Linux does). Process
 * groups do not help: each process of PostgreSQL is in its own group.
 *
 * @param {number} pid
 */
export function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return undefined
  }
}

/** How long a process needs to stop where the system does not tell whether it has. */
const FREEZE_MS = 200

/**
 * Whether all threads of a process have stopped after SIGSTOP. Each stops when the kernel runs it next; until then it
 * still answers. Undefined if the system does not tell (only Linux does).
 *
 * @param {number} pid
 */
function isFrozen(pid) {
  const threads = `/proc/${pid}/task`
  try {
    return readdirSync(threads).every((id) => /.*\) [TZ]/s.test(readFileSync(join(threads, id, 'stat'), 'utf8')))
  } catch {
    // It has ended, or one of its threads has.
    return childrenOf(pid) === undefined ? undefined : false
  }
}

// Systems give higher ports to outgoing connections. Such a connection could take the port of a server that is down, and
// a client that tries to reconnect could even connect to itself. Redis Cluster also uses the port that is 10,000 higher.
// The suite's fault proxies begin at 30,000.
const FIRST_PORT = 10_000
const PORTS = 10_000
// One after the other, from a random start: no process takes the port of its own server that is down, and two processes
// rarely choose the same port.
let turn = randomInt(PORTS)

function nextPort() {
  turn = (turn + 1) % PORTS
  return FIRST_PORT + turn
}

/**
 * The answer of a server to lines of text, which Redis, memcached and HAProxy accept, or '' if it does not answer.
 *
 * @param {number | string} where a port, or the file of a socket
 * @param {...string} lines
 * @returns {Promise<string>}
 */
export async function ask(where, ...lines) {
  let answer = ''
  const socket = typeof where === 'string' ? connect(where) : connect(where, '127.0.0.1')
  socket.setEncoding('latin1').setTimeout(ASK_MS)
  socket.on('data', (/** @type {string} */ text) => (answer += text))
  socket.on('timeout', () => socket.destroy())
  socket.on('error', () => undefined)
  socket.end([...lines, 'quit', ''].join('\r\n'))
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

/**
 * @param {string} what
 * @param {() => boolean | Promise<boolean>} condition
 * @param {number} [ms]
 * @returns {Promise<void>}
 */
export async function until(what, condition, ms = START_MS) {
  const end = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`)
    await sleep(10)
  }
}

/**
 * @param {object} options
 * @param {import('./binaries.js').Program} options.program
 * @param {string | undefined} [options.file] its file; looked up if undefined or ''
 * @param {number | undefined} [options.port] a free one if undefined
 * @param {(port: number, folder: string) => readonly string[]} options.args
 * @param {(port: number, pid: number, folder: string) => boolean | Promise<boolean>} options.answers whether the process
 *   with that id answers: if the port was taken, another one would
 * @param {(folder: string) => Promise<void>} [options.prepare] what the folder needs before the first start
 * @param {(folder: string) => Readonly<Record<string, string>>} [options.env] what its environment has besides this one's
 * @param {{ uid?: number, gid?: number }} [options.user] whose process it is; this one's, if undefined
 * @param {NodeJS.Signals} [options.stopSignal] at which it ends although clients are connected
 * @returns {Promise<Server>}
 */
export async function startServer({
  program,
  file: given,
  port: wanted,
  args,
  answers,
  prepare,
  env = () => ({}),
  user = {},
  stopSignal = 'SIGTERM',
}) {
  const file = given === undefined || given === '' ? await findProgram(program) : given
  /** @type {ReturnType<typeof makeFolder> | undefined} */
  let folder
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child
  /** @type {Socket | undefined} */
  let pipe
  let port = wanted ?? nextPort()

  const pid = () => child?.pid ?? 0
  const runs = () => pid() > 0 && child?.exitCode === null && child.signalCode === null

  /** @param {NodeJS.Signals} signal */
  function signalAll(signal) {
    if (!runs()) return
    const before = childrenOf(pid()) ?? []
    child?.kill(signal)
    // Again, for child processes that it started in between. A stopped process starts none.
    for (const one of new Set([...before, ...(childrenOf(pid()) ?? [])])) {
      try {
        process.kill(one, signal)
      } catch {
        // It has ended.
      }
    }
  }

  /** @param {() => void} tell */
  async function end(tell) {
    if (child === undefined || !runs()) return
    child.ref()
    pipe?.ref()
    const closed = once(child, 'close')
    tell()
    await closed
  }

  const log = () => (folder === undefined ? '' : readFileSync(logIn(folder.path), 'utf8'))

  const kill = () => end(() => signalAll('SIGKILL'))

  async function stop() {
    // Redis waits up to 10 s for a replica that lags, and until a running script ends.
    const impatience = setTimeout(() => signalAll('SIGKILL'), STOP_MS)
    await end(() => {
      child?.kill(stopSignal)
      signalAll('SIGCONT')
    })
    clearTimeout(impatience)
    await folder?.remove()
    folder = undefined
  }

  async function start() {
    if (folder === undefined) {
      folder = makeFolder()
      await prepare?.(folder.path)
    }
    const { path: cwd, keep } = folder
    const output = openSync(logIn(cwd), 'w')
    // Nothing is written to the pipe. Its child processes inherit it, so `close` is emitted when the last of them has ended.
    const started = spawn(file, args(port, cwd), {
      cwd,
      stdio: ['ignore', output, output, 'pipe'],
      env: { ...process.env, ...env(cwd) },
      ...user,
    })
    closeSync(output)
    child = started
    keep(pid())
    /** @type {Promise<true>} */
    const ended = new Promise((resolve) => {
      started.once('exit', () => {
        keep(0)
        resolve(true)
      })
    })
    await once(started, 'spawn')
    started.unref()
    pipe = started.stdio[3] instanceof Socket ? started.stdio[3].unref() : undefined
    // If the port was taken, what has it may keep the question open, while this process has ended.
    await until(`${program} answers on port ${port}`, async () =>
      runs() ? Promise.race([ended, answers(port, pid(), cwd)]) : true,
    )
    if (!runs()) throw new Error(`${program} did not start on port ${port}:\n${log()}`)
  }

  for (let attempt = 1; !runs(); attempt++) {
    try {
      await start()
    } catch (error) {
      const taken = error instanceof Error && /address already in use/i.test(error.message)
      if (!taken || wanted !== undefined || attempt === ATTEMPTS) {
        await kill()
        await stop()
        throw error
      }
      port = nextPort()
    }
  }
  return {
    port,
    get pid() {
      return pid()
    },
    kill,
    stop,
    async restart() {
      await kill()
      await start()
    },
    async freeze() {
      signalAll('SIGSTOP')
      const all = [pid(), ...(childrenOf(pid()) ?? [])]
      if (isFrozen(pid()) === undefined) return sleep(FREEZE_MS)
      await until(`${program} freezes`, () => !runs() || all.every((one) => isFrozen(one) !== false))
    },
    thaw: () => signalAll('SIGCONT'),
    log,
  }
}
