import { corrupt, type SessError, unavailable } from '@sess/core/adapter'
import { Cluster, type DNSLookupFunction, Redis, type RedisOptions } from 'ioredis'
import { TimedCommand } from './command.js'
import { isReply, shown } from './error.js'
import type { Settings } from './options.js'

/** Milliseconds. */
const PAUSE = 200

/** ioredis, sending nothing twice and nothing late, and trying to connect until it is closed. */
export class Client {
  readonly #redis: Redis | Cluster
  readonly #deadline: number
  /** When the connection was made (`performance.now()`); Infinity while there is none, or it is being dropped. */
  #since = Infinity
  /** What last went wrong with connecting, and when. */
  #trouble: { readonly error: Error; readonly at: number } | undefined
  #pause: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(settings: Settings) {
    this.#deadline = settings.deadline
    this.#redis = makeRedis(settings)
    this.#redis.on('connect', () => (this.#since = performance.now()))
    this.#redis.on('close', () => (this.#since = Infinity))
    this.#redis.on('end', () => this.#connectAgain())
    for (const event of ['error', 'node error']) this.#redis.on(event, (error: unknown) => this.#note(error))
  }

  get isCluster(): boolean {
    return this.#redis.isCluster
  }

  /** When a command of a call that begins now would be late. */
  due(): number {
    return performance.now() + this.#deadline
  }

  /** Resolves with the reply. */
  send(name: string, args: (string | number)[], due: number = this.due()): Promise<unknown> {
    const command = new TimedCommand(name, args, due, this.#redis.options.keyPrefix)
    this.#redis.sendCommand(command)
    return command.promise
  }

  mapError(error: unknown): SessError {
    if (isReply(error, 'WRONGTYPE')) return corrupt('redis')
    const trouble = this.#trouble
    const isRecent = trouble !== undefined && performance.now() - trouble.at < this.#deadline
    return unavailable('redis', isRecent && !isReply(error) ? trouble.error : shown(error))
  }

  /**
   * Drops the connection on which a call that began then (`performance.now()`) is stuck. In a Cluster it could be any:
   * there, the stuck one falls to `socketTimeout` alone.
   */
  drop(began: number): void {
    if (this.#redis.isCluster || began < this.#since) return
    this.#since = Infinity
    this.#redis.disconnect(true)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#pause)
    this.#redis.disconnect()
  }

  #note(error: unknown): void {
    const known = shown(error)
    if (known !== undefined) this.#trouble = { error: known, at: performance.now() }
  }

  #connectAgain(): void {
    if (!this.#isClosed) this.#pause = setTimeout(() => void this.#redis.connect().catch(() => {}), PAUSE)
  }
}

/** Resolves no name: the connection does, and holds the certificate against it. */
const dnsLookup: DNSLookupFunction = (host, done) => done(null, host)

function makeRedis(settings: Settings): Redis | Cluster {
  const { client, nodes, sentinels, name, url, deadline, username, password, tls } = settings
  const safely = {
    lazyConnect: true,
    connectTimeout: deadline,
    // A timer for each command, which costs a tenth of it. What is stuck is dropped by `drop`.
    socketTimeout: undefined,
    commandTimeout: undefined,
    disconnectTimeout: 100,
    disableClientInfo: true,
    readOnly: false,
    // What was sent is never sent again; what was not, waits for one attempt to connect and no longer.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: true,
    retryStrategy: (times: number) => Math.min(50 * times, 500),
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: deadline,
    // The connection leads to what is no longer the master.
    reconnectOnError: ({ message }: Error) => /READONLY|MASTERDOWN/.test(message),
    // What sentinels name has to be asked whether it is the master. A server that is loading says so to every command.
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
  if (!sentinels) return new Redis(url ?? 'redis://127.0.0.1:6379', { ...safely, ...login })
  const watched = { sentinels: [...sentinels], name, sentinelTLS: tls, enableTLSForSentinelMode: Boolean(tls) }
  return new Redis({ ...safely, ...login, ...watched })
}
