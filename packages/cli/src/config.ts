import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { loadEnvFile } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Sessions } from '@sess/core'
import { assertSessions, codeOf, isError } from '@sess/core/adapter'
import { Failure, messageOf } from './failure.js'

/** Which module exports the sessions, and how to load it. */
export interface ConfigOptions {
  /** The path of the module. Default: the first of `PLACES` that exists. */
  readonly config?: string
  /** The name of the export. Default: `sess`, or else the default export. */
  readonly export?: string
  /** A file with variables for the environment. */
  readonly env?: string
}

const FOLDERS = ['', 'src/', 'lib/', 'src/lib/', 'app/', 'server/']
const NAMES = ['sessions', 'sess', 'session']
const EXTENSIONS = ['js', 'ts', 'mjs', 'mts', 'cjs', 'cts']
const PLACES = FOLDERS.flatMap((folder) =>
  NAMES.flatMap((name) => EXTENSIONS.map((extension) => `${folder}${name}.${extension}`)),
)

type Exports = Readonly<Record<string, unknown>>

/** Loads the module of the application that exports its sessions. Paths are relative to `cwd`. */
export async function loadSessions(options: ConfigOptions, cwd: string): Promise<Sessions> {
  const path = pathOf(options.config, cwd)
  if (options.env !== undefined) readVariables(options.env, cwd)
  const exports = await load(path, cwd, options.env === undefined && existsSync(resolve(cwd, '.env')))
  const found = exportOf(exports, options.export)
  const name = options.export ?? 'sess'
  if (found === undefined) {
    throw new Failure(
      'CONFIG_EXPORT',
      `${path} does not export ${name}. Export what sessions() returns, as in: export const ${name} = sessions('redis', { … }). Or name another export with --export.`,
    )
  }
  assertSessions(found, `The export ${name} of ${path}`, `export const sess = sessions('redis', { … })`)
  return found as Sessions
}

function pathOf(given: string | undefined, cwd: string): string {
  const path = given ?? PLACES.find((place) => existsSync(resolve(cwd, place)))
  if (path === undefined) {
    throw new Failure(
      'CONFIG_NOT_FOUND',
      'Name the module that exports your sessions: --config src/sessions.js. Without it, the command looks for ' +
        `${NAMES.join(', ')} with the extension ${EXTENSIONS.join(', ')} in ${FOLDERS.map((folder) => folder || './').join(', ')}.`,
    )
  }
  if (existsSync(resolve(cwd, path))) return path
  throw new Failure('CONFIG_NOT_FOUND', `There is no file ${path} in ${cwd}.`)
}

/** Variables that are set already stay as they are. */
function readVariables(file: string, cwd: string): void {
  try {
    loadEnvFile(resolve(cwd, file))
  } catch (error) {
    throw new Failure('CONFIG_NOT_FOUND', `The file ${file} of --env cannot be read. ${messageOf(error)}`)
  }
}

/** `hasVariables`: there is a file `.env`, which was not read. */
async function load(path: string, cwd: string, hasVariables: boolean): Promise<Exports> {
  try {
    const exports: unknown = await import(pathToFileURL(resolve(cwd, path)).href)
    return exportsOf(exports)
  } catch (error) {
    const isTypeScript = /\.[cm]?ts$/.test(path)
    if (isTypeScript && codeOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION')
      throw new Failure('CONFIG_FAILED', withoutTypeScript(path))
    const place = placeIn(error, cwd)
    const hints = [
      isTypeScript && TYPESCRIPT_CODES.has(codeOf(error) ?? '') ? `\n${BY_TSX}` : '',
      hasVariables ? '\nIf it needs the variables of .env, add --env .env.' : '',
    ]
    throw new Failure(
      'CONFIG_FAILED',
      `${path} cannot be loaded${place === undefined ? '' : ` (${place})`}: ${messageOf(error)}${hints.join('')}`,
    )
  }
}

const BY_TSX = "If tsx runs your application, let it run the command too: NODE_OPTIONS='--import tsx'."

/** Node's own TypeScript has no enums and parameter properties, and imports files by their real names alone. */
const TYPESCRIPT_CODES: ReadonlySet<string> = new Set([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_MODULE_NOT_FOUND',
])

function withoutTypeScript(path: string): string {
  return (
    `${path} is TypeScript, which Node ${process.versions.node} does not load. Use Node 22.18 or later, ` +
    `name the compiled module with --config, or install tsx and set NODE_OPTIONS='--import tsx'.`
  )
}

/** Where the application's own code threw the error. */
function placeIn(error: unknown, cwd: string): string | undefined {
  const places = (isError(error) ? (error.stack ?? '') : '')
    .split('\n')
    .map((line) => /^(?:\s+at (?:.*\()?)?((?:file:|\/|[A-Za-z]:\\).*?:\d+(?::\d+)?)\)?$/.exec(line)?.[1])
  const place = places.find((one) => one !== undefined && !one.includes('/node_modules/'))
  if (place === undefined) return undefined
  const [, file = '', position = ''] = /^(.*?)((?::\d+){1,2})$/.exec(place) ?? []
  return `${relative(cwd, file.startsWith('file:') ? fileURLToPath(file) : file)}${position}`
}

/** Of a CommonJS module, Node may know no names: they are on its default export, and compilers put a `default` there. */
function exportOf(exports: Exports, name: string | undefined): unknown {
  const whole = exports['default']
  const inner = exportsOf(whole)
  if (name !== undefined) return exports[name] ?? inner[name]
  const isSessions = typeof whole === 'object' && whole !== null && 'open' in whole
  return exports['sess'] ?? inner['sess'] ?? inner['default'] ?? (isSessions ? whole : undefined)
}

function exportsOf(module: unknown): Exports {
  return typeof module === 'object' && module !== null ? { ...module } : {}
}
