// A server of a test's own: on a free port of 127.0.0.1, in a folder of its own, and gone when the test's process is.
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs'
import { connect, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram } from './binaries.js'

/**
 * @typedef {object} Server
 * @property {number} port
 * @property {number} pid of the process that runs, or ran last
 * @property {() => Promise<void>} kill SIGKILL, for the processes that it has started too; the folder stays, for a restart
 * @property {() => Promise<void>} stop ends it, frozen or not, by its signal or else SIGKILL; removes the folder
 * @property {() => Promise<void>} restart kills what runs, and starts it on the same port with the same arguments
 * @property {() => void} freeze SIGSTOP, for the processes that it has started too: it accepts connections and answers
 *   nothing
 * @property {() => void} thaw SIGCONT
 */

const STOP_MS = 2000
const START_MS = 10_000
const ASK_MS = 1000
const ATTEMPTS = 20

/**
 * Its input is a line for each change: the id of the process that now runs in the folder, or 0. The input ends when its
 * writer does, even by SIGKILL: then what still runs is killed, and the folder removed.
 */
const KEEPER = `
  last=0; while read -r pid; do last=$pid; done
  if [ "$last" != 0 ]; then kill -KILL $(cat "/proc/$last/task/$last/children" 2>/dev/null) "$last"; fi
  rm -rf "$0"`

function makeFolder() {
  const path = mkdtempSync(join(tmpdir(), 'sess-server-'))
  // Detached: Ctrl-C, which the terminal sends to the whole group, must not end it before its work is done.
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
 * The processes that one has started and that still run, or undefined where the system does not tell (it is not Linux).
 * A process group would not do: each of PostgreSQL's processes makes one of its own.
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

// Below the ports that systems give to outgoing connections: those would take the port of a server that is down, and a
// client that tries to reconnect could even be connected to itself. Redis Cluster takes the port 10,000 above as well.
const FIRST_PORT = 10_000
const PORTS = 10_000
// In turn, from a random one: no process takes the port of a server of its own that is down, and seldom of another's.
let turn = randomInt(PORTS)

function nextPort() {
  turn = (turn + 1) % PORTS
  return FIRST_PORT + turn
}

/**
 * What a server answers to lines of text (Redis and memcached both take them), or '' if it does not.
 *
 * @param {number} port
 * @param {...string} lines
 * @returns {Promise<string>}
 */
export async function ask(port, ...lines) {
  let answer = ''
  const socket = connect(port, '127.0.0.1').setEncoding('latin1').setTimeout(ASK_MS)
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
 * @returns {Promise<void>}
 */
export async function until(what, condition) {
  const end = performance.now() + START_MS
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${START_MS} ms`)
    await sleep(10)
  }
}

/**
 * @param {object} options
 * @param {import('./binaries.js').Program} options.program
 * @param {number | undefined} [options.port] a free one if undefined
 * @param {(port: number, folder: string) => readonly string[]} options.args
 * @param {(port: number, pid: number, folder: string) => boolean | Promise<boolean>} options.answers whether the process
 *   of that id answers there: on a port that was taken, another would
 * @param {(folder: string) => Promise<void>} [options.prepare] what the folder needs before the first start
 * @param {{ uid?: number, gid?: number }} [options.user] whose process it is; this one's, if undefined
 * @param {NodeJS.Signals} [options.stopSignal] at which it ends although clients are connected
 * @returns {Promise<Server>}
 */
export async function startServer({
  program,
  port: wanted,
  args,
  answers,
  prepare,
  user = {},
  stopSignal = 'SIGTERM',
}) {
  const file = await findProgram(program)
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
    // Those that it started at that moment, too: what is stopped starts no more.
    for (const one of new Set([...before, ...(childrenOf(pid()) ?? [])])) {
      try {
        process.kill(one, signal)
      } catch {
        // It has ended meanwhile.
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

  const kill = () => end(() => signalAll('SIGKILL'))

  async function stop() {
    // A Redis waits up to 10 s for a replica that lags, and for a script until it ends.
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
    const log = join(cwd, 'log')
    const output = openSync(log, 'w')
    // Nothing is written to the pipe. But all that it starts inherits it: `close` comes when the last of them has ended.
    const started = spawn(file, args(port, cwd), { cwd, stdio: ['ignore', output, output, 'pipe'], ...user })
    closeSync(output)
    child = started
    keep(pid())
    started.once('exit', () => keep(0))
    await once(started, 'spawn')
    started.unref()
    pipe = started.stdio[3] instanceof Socket ? started.stdio[3].unref() : undefined
    await until(`${program} answers on port ${port}`, async () => !runs() || (await answers(port, pid(), cwd)))
    if (!runs()) throw new Error(`${program} did not start on port ${port}:\n${readFileSync(log, 'utf8')}`)
  }

  for (let attempt = 1; !runs(); attempt++) {
    try {
      await start()
    } catch (error) {
      const taken = error instanceof Error && error.message.includes('Address already in use')
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
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
  }
}
