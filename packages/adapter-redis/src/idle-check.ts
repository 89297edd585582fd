import type { Redis } from 'ioredis'
import { TimedCommand } from './command.js'

/**
 * Milliseconds after which an unused connection is in doubt: firewalls and load balancers drop idle connections without
 * notice, some after 30 s.
 */
export const IDLE_MS = 10_000

/**
 * Makes a client check a connection that was idle: it sends a PING, and the commands wait for the answer. If none comes
 * within `patience` milliseconds, the commands go to a new connection. So a connection that was dropped silently delays
 * them, and no write is sent on two connections.
 */
export function checkWhenIdle(redis: Redis, patience: number): void {
  const send = redis.sendCommand.bind(redis)
  /** When the last command came, by a clock that goes on while the machine sleeps. */
  let used = Date.now()
  /** The commands that wait for the answer. `undefined`: no PING is outstanding. */
  let waiting: TimedCommand[] | undefined

  redis.sendCommand = (command, stream) => {
    // All other commands are those with which ioredis sets up a connection.
    if (!(command instanceof TimedCommand)) return send(command, stream)
    const now = Date.now()
    if (now - used > IDLE_MS && redis.status === 'ready') waiting ??= ask()
    used = now
    if (waiting === undefined) return send(command)
    waiting.push(command)
    return command.promise
  }

  function ask(): TimedCommand[] {
    const commands: TimedCommand[] = []
    const timer = setTimeout(() => replaceConnection(redis), patience)
    const ping = new TimedCommand('ping', [], Infinity)
    const resume = (): void => {
      clearTimeout(timer)
      waiting = undefined
      for (const command of commands) send(command)
    }
    // It also fails once the connection is lost: ioredis then queues commands for the next one.
    ping.promise.then(resume, resume)
    send(ping)
    return commands
  }
}

/** Closes the connection at once. Its end would wait for a server that does not answer. */
function replaceConnection({ options, stream }: Redis): void {
  const { retryStrategy } = options
  // In a Cluster, ioredis would not connect to the node again, and elsewhere only after a pause.
  options.retryStrategy = () => {
    options.retryStrategy = retryStrategy
    return 0
  }
  stream.destroy()
}
