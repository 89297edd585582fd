import { randomBytes } from 'node:crypto'

export interface Config {
  readonly port: number
  /** The name of the adapter that stores the sessions. */
  readonly store: string
  /** Whether the server can list and end a user's sessions. On the cookie store it cannot: the browsers have them. */
  readonly listsSessions: boolean
  /** The options of `sessions`: those of core and those of the adapter. */
  readonly options: { readonly secret: string | undefined; readonly [name: string]: unknown }
}

export type Environment = Readonly<Record<string, string | undefined>>

export function readConfig(env: Environment): Config {
  const store = env['SESSION_STORE'] ?? 'cookie'
  const listsSessions = store !== 'cookie'
  return {
    port: readPort(env['PORT'] ?? '3000'),
    store,
    listsSessions,
    options: {
      remember: {},
      ...readOptions(env['SESSION_OPTIONS'] ?? '{}'),
      owner: listsSessions ? 'user' : undefined,
      secret: readSecret(env),
    },
  }
}

function readPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 2 ** 16) return Number(text)
  throw new Error('PORT must be a number from 0 (any free port) to 65535.')
}

/** Each adapter refuses options that it does not know, so they come from the environment, as its name does. */
function readOptions(text: string): object {
  try {
    const options: unknown = JSON.parse(text)
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options
  } catch {
    // The error below covers this, too.
  }
  throw new Error('SESSION_OPTIONS must be a JSON object, such as {"idleTimeout":"15m"}.')
}

/** Makes a secret if there is none, but not in production: there `sessions` throws if it is missing. */
function readSecret(env: Environment): string | undefined {
  const secret = env['SESSION_SECRET']
  if (secret !== undefined || env['NODE_ENV'] === 'production') return secret
  console.warn('SESSION_SECRET is not set: using a random one. Its sessions end when the server stops.')
  return randomBytes(32).toString('base64url')
}
