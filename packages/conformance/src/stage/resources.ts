import { createHook } from 'node:async_hooks'
import { tally } from '../breach.js'
import { type Attempt, caseContext } from './case-context.js'

/** What Node calls the resources, in words. */
const KINDS: Readonly<Record<string, string>> = {
  Timeout: 'timer',
  Immediate: 'immediate',
  TCPWRAP: 'TCP connection',
  TCPSERVERWRAP: 'TCP server',
  PIPEWRAP: 'pipe or Unix socket',
  PROCESSWRAP: 'child process',
  MESSAGEPORT: 'message port',
  WORKER: 'worker thread',
}

interface Resource {
  readonly hasRef: () => boolean
}

interface Made {
  /** The kind, and where it was made. */
  readonly what: string
  readonly resource: Resource
}

/**
 * Follows each resource that an attempt makes and that can keep the process alive. Resources of other cases and of the
 * test runner do not count, whether they come or go.
 */
export class Resources {
  readonly #attempt: Attempt | undefined = caseContext()?.attempt
  readonly #made = new Map<number, Made>()
  readonly #children: string[] = []
  readonly #hook = createHook({
    init: (id, type, _, resource) => this.#note(id, type, resource),
    destroy: (id) => void this.#made.delete(id),
  })

  begin(): void {
    this.#hook.enable()
  }

  end(): void {
    this.#hook.disable()
    this.#made.clear()
  }

  /** The resources that still keep the process alive: how many of a kind, and where they were made. */
  left(): readonly string[] {
    return tally([...this.#made.values()].filter(({ resource }) => resource.hasRef()).map(({ what }) => what))
  }

  /** The child processes that were started, whether they still run or not. */
  children(): readonly string[] {
    return tally(this.#children)
  }

  #note(id: number, type: string, resource: object): void {
    const context = caseContext()
    if (context === undefined || context.attempt !== this.#attempt || !isResource(resource)) return
    const { method } = context
    const kind = KINDS[type] ?? type
    const what = `${kind}${method === undefined ? '' : ` of a call of ${method}`}, made at ${origin()}`
    this.#made.set(id, { what, resource })
    if (type === 'PROCESSWRAP') this.#children.push(what)
  }
}

function isResource(value: object): value is Resource {
  return 'hasRef' in value && typeof value.hasRef === 'function'
}

/** A frame of Node, or of the suite, whose code runs from `dist` and is shown by source maps as `src`. */
const NOT_OF_THE_STORE = /node:|<anonymous>|[\\/]conformance[\\/](?:dist|src)[\\/]/

/** The innermost line of code that is neither Node's nor the suite's. */
function origin(): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 50
  const frames = String(new Error().stack).split('\n').slice(1)
  Error.stackTraceLimit = stackTraceLimit
  const own = frames.find((frame) => !NOT_OF_THE_STORE.test(frame))
  return own?.replace(/^ *at /, '') ?? 'a place that Node does not tell'
}
