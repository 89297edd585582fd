import { corrupt, type SessError, unavailable } from '@sess/core/adapter'
import { Cluster, Command, type DNSLookupFunction, Redis, type RedisOptions } from 'ioredis'
import { TimedCommand } from './command.js'
import { explain, type Failure, failure, isOf, isReply } from './error.js'
import { checkWhenIdle, IDLE_MS } from './idle-check.js'
import type { Settings } from './options.js'

/** Milliseconds between two attempts to connect, once ioredis has given up. */
const PAUSE = 200

/** In the reply of a server that is no longer the master. Redis 6 quotes it in the error of a script. */
const NO_LONGER_MASTER = /READONLY|MASTERDOWN/

/** How often ioredis repeats a command that a node of a Cluster refused. */
const REDIRECTIONS = 16

/** The server, or a master of a Cluster. */
export interface Node {
  /** The `host:port` of a master of a Cluster. */
  readonly name: string
  /** `undefined`: there is none, because it did not answer. */
  readonly connection: Redis | undefined
}

/** An ioredis client that sends nothing twice and nothing late, and tries to connect until it is closed. */
export class Client {
  readonly #redis: Redis | Cluster
  readonly #deadline: number
  /** When the connection was made (`performance.now()`). Infinity: there is none, or it is being dropped. */
  #since = Infinity
  /** The last error of connecting, and when it occurred. */
  #trouble: { readonly error: Failure; readonly at: number } | undefined
  #pause: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(settings: Settings) {
    this.#deadline = settings.deadline
    this.#redis = makeRedis(settings)
    const patience = this.#deadline / 4
    if ('slots' in this.#redis) {
      this.#redis.on('+node', (node: Redis) => {
        checkWhenIdle(node, patience)
        this.#listenToCopies(node)
      })
    } else checkWhenIdle(this.#redis, patience)
    this.#redis.on('connect', () => (this.#since = performance.now()))
    this.#redis.on('close', () => (this.#since = Infinity))
    this.#redis.on('end', () => this.#connectAgain())
    for (const event of ['error', 'node error']) this.#redis.on(event, (error: unknown) => this.#note(error))
  }

  get isCluster(): boolean {
    return this.#redis.isCluster
  }

  /** The `host:port` of the node of a Cluster that has the key. `undefined`: it is not known, or this is no Cluster. */
  nodeOf(key: string): string | undefined {
    if (!('slots' in this.#redis)) return undefined
    const { slots, options } = this.#redis
    const { keyPrefix = '' } = options
    return slots[new Command('get', [key], { keyPrefix }).getSlot()]?.[0]
  }

  /** When a command is late, of a call that began at that time (both by `performance.now()`). */
  due(began: number): number {
    return began + this.#deadline
  }

  /** Resolves with the reply. `isLone`: there are no other commands that this one could be written together with. */
  send(name: string, args: (string | number)[], due: number, isLone = false): Promise<unknown> {
    const command = new TimedCommand(name, args, due, isLone, this.#redis.options.keyPrefix)
    this.#redis.sendCommand(command)
    return command.promise
  }

  /** What the client puts before each key. */
  get keyPrefix(): string {
    return this.#redis.options.keyPrefix ?? ''
  }

  /** The server, or the masters of a Cluster that are known: none before a command was sent. */
  get masters(): readonly Node[] {
    if (!('slots' in this.#redis)) return [{ name: 'Redis', connection: this.#redis }]
    const connections = new Map(this.#redis.nodes().map((node) => [`${node.options.host}:${node.options.port}`, node]))
    const names = new Set(this.#redis.slots.flatMap(([master]) => master ?? []))
    return [...names].map((name) => ({ name, connection: connections.get(name) }))
  }

  /** Resolves with the reply of that server. The command has no key. */
  sendTo({ name: server, connection }: Node, name: string, args: string[], due: number): Promise<unknown> {
    if (connection === undefined)
      return Promise.reject(failure('CONNECTION_LOST', `There is no connection to ${server}.`))
    const command = new TimedCommand(name, args, due)
    connection.sendCommand(command)
    return command.promise
  }

  mapError(error: unknown): SessError {
    if (isReply(error, 'WRONGTYPE')) return corrupt('redis')
    // The connection is now dropped, and the calls that come before the next one fail for this reason.
    if (isReply(error) && NO_LONGER_MASTER.test(error.message)) this.#note(error)
    const trouble = this.#trouble
    const isRecent = trouble !== undefined && performance.now() - trouble.at < this.#deadline
    return unavailable('redis', isRecent && !isReply(error) ? trouble.error : explain(error))
  }

  /**
   * Drops the connection if a call that began at that time (`performance.now()`) is stuck on it. In a Cluster, any of
   * the connections could be the stuck one: there, only `socketTimeout` drops it.
   */
  drop(began: number): void {
    if (this.#redis.isCluster || began < this.#since) return
    this.#since = Infinity
    this.#note(failure('ETIMEDOUT', 'Redis did not answer in time.'))
    this.#redis.disconnect(true)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#pause)
    this.#redis.disconnect()
  }

  /** A Cluster asks for its slots by a copy of a node's client, whose errors ioredis drops. */
  #listenToCopies(node: Redis): void {
    const duplicate = node.duplicate.bind(node)
    node.duplicate = (override) => duplicate(override).on('error', (error) => this.#note(error))
  }

  #note(error: unknown): void {
    // ioredis would go on with database 0.
    if (isReply(error) && isOf(error, 'select')) this.#redis.disconnect(true)
    const trouble = explain(error)
    // If anything says why it was lost, it was noted before.
    if (trouble.code !== 'CONNECTION_LOST') this.#trouble = { error: trouble, at: performance.now() }
  }

  #connectAgain(): void {
    if (!this.#isClosed) this.#pause = setTimeout(() => void this.#redis.connect().catch(() => {}), PAUSE)
  }
}

/** Passes the name on unresolved: the connection resolves it and checks the certificate against it. */
const dnsLookup: DNSLookupFunction = (host, done) => done(null, host)

function makeRedis(settings: Settings): Redis | Cluster {
  const { client, nodes, sentinels, name, url, deadline, username, password, tls } = settings
  const safely = {
    lazyConnect: true,
    connectTimeout: deadline,
    keepAlive: IDLE_MS,
    // Either one sets a timer for each command, which costs a tenth of it. `drop` drops a stuck connection.
    socketTimeout: undefined,
    commandTimeout: undefined,
    disconnectTimeout: 100,
    disableClientInfo: true,
    readOnly: false,
    // A command that was sent is never sent again. One that was not waits for a single attempt to connect.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: true,
    retryStrategy: (times: number) => Math.min(50 * times, 500),
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: deadline,
    reconnectOnError: ({ message }: Error) => NO_LONGER_MASTER.test(message),
    // A server that sentinels name has to be asked whether it is the master. No check is needed to see whether a server
    // is loading: it then answers every command with LOADING.
    enableReadyCheck: Boolean(sentinels ?? (client && 'sentinels' in client.options && client.options.sentinels)),
    maxLoadingRetryTime: 100,
  } satisfies RedisOptions
  const clusterSafely = {
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: true,
    clusterRetryStrategy: (times: number) => (times === 1 ? 50 : null),
    clusterNodeRetryStrategy: null,
    retryDelayOnFailover: 0,
    // ioredis would repeat the command on any master, also on the one that has failed.
    retryDelayOnClusterDown: 0,
    // A node that refuses a command has not executed it. All repetitions take half of the deadline.
    maxRedirections: REDIRECTIONS,
    retryDelayOnTryAgain: Math.ceil(deadline / 2 / REDIRECTIONS),
    slotsRefreshTimeout: Math.ceil(deadline / 2),
    redisOptions: { ...safely, socketTimeout: deadline },
  }
  if (client) return 'slots' in client ? client.duplicate([], clusterSafely) : client.duplicate(safely)
  const login = { username, password, tls }
  if (nodes)
    return new Cluster([...nodes], {
      ...clusterSafely,
      dnsLookup,
      redisOptions: { ...clusterSafely.redisOptions, ...login },
    })
  if (!sentinels) return new Redis({ ...safely, ...(url ?? { host: '127.0.0.1' }), ...login })
  const watched = { sentinels: [...sentinels], name, sentinelTLS: tls, enableTLSForSentinelMode: Boolean(tls) }
  return new Redis({ ...safely, ...login, ...watched })
}
