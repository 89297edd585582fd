import type { Operation } from '../../src/history/history.ts'

/** When a call began and ended. For a failed call, only when it began. */
export type Times = readonly [began: number, ended?: number]

type Written = Extract<Operation, { method: 'create' }>['outcome']

const UNAVAILABLE = { kind: 'unavailable' } as const

// Clients only matter in the returned text, so all calls here have the same one unless a test sets another.
function span([began, ended = Infinity]: Times): { client: number; began: number; ended: number } {
  return { client: 1, began, ended }
}

function written({ length }: Times, version: string | null): Written {
  if (length === 1) return UNAVAILABLE
  return version === null ? { kind: 'null' } : { kind: 'version', version }
}

export function create(times: Times, data: string, version: string | null = null): Operation {
  return { ...span(times), method: 'create', data, outcome: written(times, version) }
}

export function update(times: Times, from: string, data: string, version: string | null = null): Operation {
  return { ...span(times), method: 'update', version: from, data, outcome: written(times, version) }
}

export function read(times: Times, data: string | null = null, version = ''): Operation {
  if (times.length === 1) return { ...span(times), method: 'read', outcome: UNAVAILABLE }
  return {
    ...span(times),
    method: 'read',
    outcome: data === null ? { kind: 'null' } : { kind: 'stored', data, version },
  }
}

export function destroy(times: Times): Operation {
  return { ...span(times), method: 'destroy', outcome: times.length === 1 ? UNAVAILABLE : { kind: 'done' } }
}

interface State {
  readonly data: string
  readonly version: string
}

/** `undefined`: the call cannot have had its outcome in that state. `version` is the one it makes if it writes. */
function apply(operation: Operation, state: State | null, version: string): State | null | undefined {
  const { method, outcome } = operation
  if (method === 'destroy') return null
  if (method === 'read') {
    const seen = outcome.kind === 'stored' ? `${outcome.data} ${outcome.version}` : 'null'
    return seen === (state === null ? 'null' : `${state.data} ${state.version}`) ? state : undefined
  }
  const isTaken = method === 'create' ? state === null : state?.version === operation.version
  if (outcome.kind === 'null') return isTaken ? undefined : state
  return isTaken ? { data: operation.data, version } : undefined
}

/** The same verdict as `explainHistory`, by trying every order and every version: slow, but obviously correct. */
export function isLinearizable(operations: readonly Operation[]): boolean {
  const seen = operations.flatMap(({ outcome }) => (outcome.kind === 'stored' ? [outcome.version] : []))
  return versionings(operations, [...new Set(seen)]).some((versions) => hasOrder(new Map(versions), null, new Set()))
}

type Versioned = readonly [Operation, version: string]

/** Every assignment of versions to the writes. */
function versionings(operations: readonly Operation[], seen: readonly string[]): Versioned[][] {
  let ways: Versioned[][] = [[]]
  for (const [index, operation] of operations.entries()) {
    const { method, outcome } = operation
    const isUntold = outcome.kind === 'unavailable' && (method === 'create' || method === 'update')
    const told = outcome.kind === 'version' ? outcome.version : `untold ${index}`
    const versions = isUntold ? [...seen, told] : [told]
    ways = ways.flatMap((way) => versions.map((version) => way.concat([[operation, version]])))
  }
  return ways
}

function hasOrder(left: ReadonlyMap<Operation, string>, state: State | null, made: ReadonlySet<string>): boolean {
  const answered = [...left.keys()].filter(({ outcome }) => outcome.kind !== 'unavailable')
  if (answered.length === 0) return true
  const firstEnd = Math.min(...answered.map(({ ended }) => ended))
  return [...left].some(([operation, version]) => {
    if (operation.began > firstEnd || (operation.method === 'read' && operation.outcome.kind === 'unavailable')) {
      return false
    }
    const next = apply(operation, state, version)
    if (next === undefined) return false
    const isWrite = next !== null && next !== state
    if (isWrite && made.has(version)) return false
    const rest = new Map(left)
    rest.delete(operation)
    return hasOrder(rest, next, isWrite ? new Set([...made, version]) : made)
  })
}

/** A call for a client to make. An update uses the version that the client has seen last. */
export interface Command {
  readonly method: Operation['method']
  readonly data: string
  /** Whether the call fails for the client, whether or not it takes effect. */
  readonly fails: boolean
}

/** One entry. Every command on it takes effect at an instant. */
class Register {
  state: State | null = null
  #versions = 0

  /** Applies the command, and returns a function that makes its operation. */
  take({ method, data }: Command, from: string): (times: Times) => Operation {
    const before = this.state
    switch (method) {
      case 'read':
        return (times) => (before === null ? read(times) : read(times, before.data, before.version))
      case 'destroy':
        this.state = null
        return destroy
      case 'create': {
        const version = before === null ? this.#write(data) : null
        return (times) => create(times, data, version)
      }
      default: {
        const version = before?.version === from ? this.#write(data) : null
        return (times) => update(times, from, data, version)
      }
    }
  }

  #write(data: string): string {
    const version = `v${++this.#versions}`
    this.state = { data, version }
    return version
  }
}

/**
 * Returns the history of clients that work on one register. `choices` select who makes the next step, while they last.
 * A failed command takes effect when its turn comes: perhaps after its end, perhaps never.
 */
export function play(scripts: readonly (readonly Command[])[], choices: readonly number[]): Operation[] {
  const register = new Register()
  const history: Operation[] = []
  let clock = 0
  const late: Iterator<unknown>[] = []

  function* failLate(command: Command, from: string): Generator {
    yield
    register.take(command, from)
  }

  function* run(script: readonly Command[], client: number): Generator {
    let known = 'unknown'
    for (const command of script) {
      const began = ++clock
      const from = known
      yield
      if (command.fails) {
        late.push(failLate(command, from))
        yield
        history.push({ ...new Register().take(command, from)([began]), client, ended: ++clock })
        continue
      }
      const tell = register.take(command, from)
      yield
      const operation = { ...tell([began, ++clock]), client }
      history.push(operation)
      const { outcome } = operation
      if (outcome.kind === 'version' || outcome.kind === 'stored') known = outcome.version
    }
  }

  let clients: Iterator<unknown>[] = scripts.map(run)
  for (let turn = 0; clients.length > 0; turn++) {
    const actors = [...clients, ...(turn < choices.length ? late : [])]
    const actor = actors[(choices[turn] ?? 0) % actors.length]
    if (actor?.next().done !== true) continue
    clients = clients.filter((other) => other !== actor)
    if (late.includes(actor)) late.splice(late.indexOf(actor), 1)
  }
  return history
}
