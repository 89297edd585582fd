import { readFileSync } from 'node:fs'
import type { Sessions } from '@sess/core'
import { Command, CommanderError } from 'commander'
import { check } from './commands/check.js'
import { inspect } from './commands/inspect.js'
import { list } from './commands/list.js'
import { prune } from './commands/prune.js'
import { countingEnds, revoke } from './commands/revoke.js'
import { secret } from './commands/secret.js'
import type { ConfigOptions } from './config.js'
import { cookiesOf } from './cookie.js'
import { Failure } from './failure.js'
import { readSecretly } from './input.js'
import type { Answer } from './output.js'
import { ownerOf } from './owner.js'
import type { Progress } from './progress.js'
import type { Input, Output } from './surroundings.js'

/** Work on the sessions of an application. */
export interface Task {
  readonly config: ConfigOptions
  readonly isJson: boolean
  readonly work: (sess: Sessions, streams: Streams) => Promise<Answer>
}

/** What a task reads, and what it writes to before it has its answer. */
interface Streams {
  readonly stdin: Input
  readonly stderr: Output
  readonly progress: Progress
  /** Whether the answer is in colour. */
  readonly isColoured: boolean
}

/** A text that is the answer. */
export interface Told {
  readonly text: string
}

interface Options extends ConfigOptions {
  readonly json?: true
}

interface OwnerOptions extends Options {
  readonly text?: true
}

interface DataOptions extends Options {
  readonly data?: true
}

const DESCRIPTION = `Looks after the sessions of an application: over the module that exports what sessions() returned, named by --config.`

const EXIT_CODES = `
Exit code: 0 all is well; 1 no session was found, or check found an error; 2 the arguments or the module have to be
changed; 3 the store failed; 130 or 143 a signal stopped the command.`

/** Reads the arguments. Throws a `Failure` that says what is wrong with them. */
export function parse(args: readonly string[]): Task | Told {
  const parser = new Parser()
  try {
    parser.program.parse(args, { from: 'user' })
    return parser.parsed
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { text: parser.told }
    // Without a command, the help is the message.
    const message = parser.complaint.startsWith('Usage') ? parser.complaint : messageOf(error, args)
    throw new Failure('USAGE', message)
  }
}

class Parser {
  readonly program: Command
  /** What goes to standard output. */
  told = ''
  /** What goes to standard error. */
  complaint = ''
  #task: Task | undefined

  constructor() {
    this.program = new Command('sess')
      .description(DESCRIPTION)
      .exitOverride()
      .configureOutput({ writeOut: (text) => (this.told += text), writeErr: (text) => (this.complaint += text) })
      .version(version(), '-V, --version', 'print the version')
      .helpOption('-h, --help', 'print this text')
      .helpCommand('help [command]', 'print the text of a command')
      .addHelpText('after', EXIT_CODES)
    this.#addSecret()
    this.#addCheck()
    this.#addList()
    this.#addRevoke()
    this.#addInspect()
    this.#addPrune()
  }

  get parsed(): Task | Told {
    return this.#task ?? { text: this.told }
  }

  #addSecret(): void {
    this.program
      .command('secret')
      .description('make a secret for sessions(), and print it')
      .action(() => void (this.told = `${secret()}\n`))
  }

  #addCheck(): void {
    this.#add('check', 'begin, read and end a session, and say what is wrong with the set-up of the store').action(
      (options: Options) =>
        this.#do(options, (sess, { progress, isColoured }) =>
          progress.during('Checking the store', () => check(sess, isColoured)),
        ),
    )
  }

  #addList(): void {
    this.#add('list', 'list the sessions of a user')
      .argument('<owner>', OWNER)
      .option('--text', TEXT)
      .option('--data', 'print what the sessions hold, too')
      .action((owner: string, options: OwnerOptions & DataOptions) =>
        this.#do(options, (sess, { progress }) =>
          progress.during('Listing the sessions', () =>
            list(sess, ownerOf(owner, options.text === true), options.data === true),
          ),
        ),
      )
  }

  #addRevoke(): void {
    this.#add('revoke', 'end the sessions of a user')
      .argument('<owner>', OWNER)
      .option('--text', TEXT)
      .option('--id <id>', 'end only the session of this id, as list prints it')
      .action((owner: string, options: OwnerOptions & { readonly id?: string }) =>
        this.#do(options, (sess, { progress }) =>
          countingEnds((ended) =>
            progress.during(
              'Ending the sessions',
              () => revoke(sess, ownerOf(owner, options.text === true), options.id),
              () => (ended() === 0 ? '' : ` ${ended()} ended`),
            ),
          ),
        ),
      )
  }

  #addInspect(): void {
    this.#add('inspect', 'show the session of a cookie, which is read from standard input; it stays as it is')
      .option('--data', 'print what the session holds, too')
      // Whatever is given besides may be a cookie, which no message may repeat.
      .allowExcessArguments()
      .allowUnknownOption()
      .action((options: DataOptions, { args }: Command) => {
        if (args.length > 0) throw new Failure('USAGE', NO_ARGUMENT)
        this.#do(options, async (sess, { stdin, stderr, progress }) => {
          const cookies = cookiesOf(await readSecretly(stdin, stderr))
          return progress.during('Reading the session', () => inspect(sess, cookies, options.data === true))
        })
      })
  }

  #addPrune(): void {
    this.#add('prune', 'remove expired entries now, from a store that does not do that by itself').action(
      (options: Options) =>
        this.#do(options, (sess, { progress }) => progress.during('Removing expired entries', () => prune(sess))),
    )
  }

  /** A command over the module that exports the sessions. */
  #add(name: string, description: string): Command {
    return this.program
      .command(name)
      .description(description)
      .option('--config <module>', 'the module that exports the sessions, such as src/sessions.js')
      .option('--export <name>', 'the name of the export (default: sess, or else the default export)')
      .option('--env <file>', 'a file with variables for the environment, such as .env')
      .option('--json', 'print one JSON document, also for a failure, and no progress')
  }

  #do(config: Options, work: Task['work']): void {
    this.#task = { config, isJson: config.json === true, work }
  }
}

const OWNER = 'the id of the user, as the sessions hold it; 42 is a number'
const TEXT = "the id is a text, although it is written like a number: '42'"

const NO_ARGUMENT =
  'inspect reads the cookie from standard input, so that neither the history of the shell nor the list of processes has it. ' +
  'It takes no other arguments than its options: sess help inspect.'

/** The longest word that a message repeats: a longer one may be a token or a secret. */
const LONGEST_WORD = 32

function messageOf({ message }: CommanderError, args: readonly string[]): string {
  const long = args.flatMap((arg) => arg.split('=')).filter((word) => word.length > LONGEST_WORD)
  let text = message
    .replace(/^error: /, '')
    .replace('\n', ' ')
    .replace(/\.$/, '')
  for (const word of long) text = text.replaceAll(word, '…')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}. See: sess help`
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : ''
}
