import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readName } from './name.js'
import { isTemplate, TEMPLATES, writeSkeleton } from './skeleton.js'

const USAGE = `Usage: npm create @sess/adapter NAME [-- --template TEMPLATE]

Writes the skeleton of a store for @sess into a new folder: the package, its test, its CI workflow.

NAME is the adapter's name, such as 'shelf', whose package is sess-adapter-shelf and which sessions('shelf', …) finds;
or the name of a scoped package, such as '@acme/shelf', which sessions('@acme/shelf', …) finds.

Options:
  --template TEMPLATE   memory (default): a store in the process, which keeps the contract as it is written
                        server: a store on a server; the calls to its client are left to write
  --help

Exit code: 0, the skeleton is written; 1, it could not be.
`

interface Output {
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream
}

const OPTIONS = {
  template: { type: 'string', default: 'memory' },
  help: { type: 'boolean' },
} as const

/** Writes the skeleton that the arguments ask for, into a folder of `cwd`. Returns the exit code. */
export function main(args: readonly string[], { out, err }: Output, cwd: string = process.cwd()): 0 | 1 {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
    if (values.help === true) {
      out.write(USAGE)
      return 0
    }
    const [given, ...others] = positionals
    if (given === undefined || others.length > 0) throw new TypeError(`Name one adapter.\n\n${USAGE}`)
    const { template } = values
    if (!isTemplate(template)) throw new TypeError(`--template takes ${TEMPLATES.join(' or ')}.`)
    const name = readName(given)
    writeSkeleton(resolve(cwd, name.folder), template, name)
    out.write(`${name.package} is written. Next:\n\n  cd ${name.folder}\n  npm install\n  npm test\n`)
    return 0
  } catch (error) {
    err.write(`The skeleton could not be written. ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}
