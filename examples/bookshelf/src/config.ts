import { randomBytes } from 'node:crypto'

export interface Config {
  readonly port: number
  /** The name of the adapter that keeps the sessions. */
  readonly store: string
  /** The options of `sessions`: core's, and beside them the adapter's own. */
  readonly options: { readonly secret: string | undefined; readonly [name: string]: unknown }
}

export type Environment = Readonly<Record<string, string | undefined>>

export function readConfig(env: Environment): Config {
  return {
    port: readPort(env['PORT'] ?? '3000'),
    store: env['SESSION_STORE'] ?? 'cookie',
    options: { ...readOptions(env['SESSION_OPTIONS'] ?? '{}'), secret: readSecret(env) },
  }
}

function readPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 2 ** 16) return Number(text)
  throw new Error('PORT must be a number from 0 (any free port) to 65535.')
}

/** Each store has options of its own, and refuses those of another: so they come beside its name. */
function readOptions(text: string): object {
  try {
    const options: unknown = JSON.parse(text)
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options
  } catch {
    // Told below.
  }
  throw new Error('SESSION_OPTIONS must be a JSON object, such as {"idleTimeout":"15m"}.')
}

/** In production a missing secret is left missing, and `sessions` refuses to start. */
function readSecret(env: Environment): string | undefined {
  const secret = env['SESSION_SECRET']
  if (secret !== undefined || env['NODE_ENV'] === 'production') return secret
  console.warn('SESSION_SECRET is not set: made one for this run. The sessions end with it.')
  return randomBytes(32).toString('base64url')
}
