import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readName } from './name.js'
import { isTemplate, TEMPLATES, writeSkeleton } from './skeleton.js'

const USAGE = `Usage: npm create @sess/adapter NAME [-- --template TEMPLATE]

Writes the skeleton of a store for @sess into a new folder: the package, its test and its CI workflow.

NAME is either an adapter's name or the full name of a scoped package:
  shelf         writes the package sess-adapter-shelf, which sessions('shelf', …) finds
  @acme/shelf   writes the package @acme/shelf, which sessions('@acme/shelf', …) finds

Options:
  --template TEMPLATE   memory (default): a store in the process, complete: it passes the conformance suite
                        server: a store on a server, without the calls to its client, which you write
                        sql: a store in a table of a SQL database, without the calls to its client
  --help                show this text

Exit code: 0 if the skeleton was written, 1 if not.
`

interface Output {
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream
}

const OPTIONS = {
  template: { type: 'string', default: 'memory' },
  help: { type: 'boolean' },
} as const

/** Runs the command: writes the skeleton into a new folder in `cwd`. Returns the exit code. */
export function main(args: readonly string[], { out, err }: Output, cwd: string = process.cwd()): 0 | 1 {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
    if (values.help === true) {
      out.write(USAGE)
      return 0
    }
    const [given, ...others] = positionals
    if (given === undefined || others.length > 0) throw new TypeError(`Give the name of one adapter.\n\n${USAGE}`)
    const { template } = values
    if (!isTemplate(template)) throw new TypeError(`--template must be one of ${TEMPLATES.join(', ')}.`)
    const name = readName(given)
    writeSkeleton(resolve(cwd, name.folder), template, name)
    out.write(`The skeleton of ${name.package} is written. Next:\n\n  cd ${name.folder}\n  npm install\n  npm test\n`)
    return 0
  } catch (error) {
    err.write(`The skeleton was not written. ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}
