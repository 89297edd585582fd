import type { Redis } from 'ioredis'
import { TimedCommand } from './command.js'

/**
 * Milliseconds after which an unused connection is in doubt: firewalls and load balancers drop idle connections without
 * notice, some after 30 s.
 */
export const IDLE_MS = 10_000

/**
 * Makes a client check a connection that was idle: it sends a PING, and the commands wait for the answer. If the
 * connection is lost, or no answer comes within `patience` milliseconds, they go to a new connection. So a connection
 * that was dropped delays them, and no write is sent on two connections.
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
    const { options, stream } = redis
    const { retryStrategy } = options
    // Otherwise ioredis would not connect to a node of a Cluster again, and to another server only after a pause.
    options.retryStrategy = () => 0
    // The end of a connection would wait for the server, which may not answer.
    const timer = setTimeout(() => stream.destroy(), patience)
    const ping = new TimedCommand('ping', [], Infinity)
    const resume = (): void => {
      clearTimeout(timer)
      options.retryStrategy = retryStrategy
      waiting = undefined
      for (const command of commands) send(command)
    }
    // It fails once the connection is lost: ioredis then queues commands for the next one.
    ping.promise.then(resume, resume)
    send(ping)
    return commands
  }
}
