import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { describeError } from '../breach.js'
import type { Backend, Harness } from '../harness.js'
import { type Outcome, type Report, runSuite } from '../run.js'
import { summaryOf, tableOf } from './table.js'

const USAGE = `Usage: sess-conformance MODULE [options]

Checks an adapter against the store contract of @sess. The default export of MODULE must be an adapter, or a harness
(see the README of @sess/conformance). The options up to --in-process apply only to an adapter.

Options:
  --options JSON    options for the adapter, such as '{"url":"redis://127.0.0.1:6379"}'
  --scope NAME      the adapter's option that separates scopes, such as a prefix or a table
  --address NAME    the adapter's option that takes host:port; required with --tcp
  --tcp HOST:PORT   the address that the backend listens on
  --in-process      the backend runs in this process and cannot fail
  --only CLAUSE     runs one clause (3.2) or all clauses of a section (3); may be repeated
  --json            prints the report as JSON, and no progress
  --help            prints this text

Exit code: 0 if every clause that was run is kept, 1 if a clause is broken, 2 if the suite could not run, 3 if no clause
is broken but the store was too slow to decide one.
`

interface Output {
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream
}

const OPTIONS = {
  options: { type: 'string' },
  scope: { type: 'string' },
  address: { type: 'string' },
  tcp: { type: 'string' },
  'in-process': { type: 'boolean' },
  only: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

/** Resolves with the exit code. */
export async function main(args: readonly string[], { out, err }: Output): Promise<0 | 1 | 2 | 3> {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
    if (values.help === true) {
      out.write(USAGE)
      return 0
    }
    const [path, ...others] = positionals
    if (path === undefined || others.length > 0) throw new TypeError(`Give exactly one MODULE.\n\n${USAGE}`)
    const harness = await harnessOf(path, values)
    const { only, json } = values
    const report = await runSuite(harness, {
      filter: ({ clause }) => only === undefined || only.some((id) => clause === id || clause.startsWith(`${id}.`)),
      ...(json !== true && { onOutcome: (outcome) => showProgress(err, outcome) }),
    })
    out.write(
      json === true ? `${JSON.stringify(jsonOf(report), null, 2)}\n` : `${tableOf(report)}\n\n${summaryOf(report)}\n`,
    )
    const has = (status: Outcome['status']) => report.outcomes.some((outcome) => outcome.status === status)
    return has('broken') ? 1 : has('slow') ? 3 : 0
  } catch (error) {
    err.write(`The suite could not run. ${describeError(error)}\n`)
    return 2
  }
}

interface Given {
  readonly options?: string | undefined
  readonly scope?: string | undefined
  readonly address?: string | undefined
  readonly tcp?: string | undefined
  readonly 'in-process'?: boolean | undefined
}

async function harnessOf(path: string, given: Given): Promise<Harness> {
  const module: unknown = await import(pathToFileURL(resolve(path)).href)
  let exported = isRecord(module) ? module['default'] : undefined
  // A CommonJS module compiled from an ES module has its default export here.
  if (isRecord(exported) && 'default' in exported) exported = exported['default']
  if (isHarness(exported)) return exported
  if (!isAdapter(exported)) throw new TypeError(`The default export of ${path} is neither an adapter nor a harness.`)
  return harnessOfAdapter(exported, given)
}

function harnessOfAdapter(adapter: Harness['adapter'], { options, scope, address, tcp, ...rest }: Given): Harness {
  const common: unknown = options === undefined ? {} : JSON.parse(options)
  if (!isRecord(common)) throw new TypeError('--options must be a JSON object.')
  const backend: Backend | 'in-process' | undefined =
    rest['in-process'] === true ? 'in-process' : tcp === undefined ? undefined : { tcp }
  if (tcp !== undefined && address === undefined)
    throw new TypeError(
      '--tcp also needs --address NAME, the option that takes host:port: the suite puts a proxy in front of the backend.',
    )
  if (backend !== undefined && scope === undefined)
    throw new TypeError('Give --scope NAME, the option that separates scopes: each case works in its own scope.')
  return {
    adapter,
    options: (place) => ({
      ...common,
      ...(scope !== undefined && { [scope]: place.scope }),
      ...(address !== undefined && { [address]: place.address }),
    }),
    ...(backend !== undefined && { backend }),
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isHarness(value: unknown): value is Harness {
  return isRecord(value) && typeof value['adapter'] === 'function'
}

function isAdapter(value: unknown): value is Harness['adapter'] {
  return typeof value === 'function'
}

function showProgress(err: NodeJS.WritableStream, { status, title, took }: Outcome): void {
  err.write(`${status.padEnd(7)} ${String(took).padStart(6)} ms  ${title}\n`)
}

function jsonOf(report: Report): object {
  const { outcomes } = report
  const count = (status: Outcome['status']) => outcomes.filter((outcome) => outcome.status === status).length
  const [kept, broken, slow, skipped, exempt] = (['kept', 'broken', 'slow', 'skipped', 'exempt'] as const).map(count)
  return { ...report, counts: { kept, broken, slow, skipped, exempt } }
}
