import type { Version } from '@sess/core/adapter'
import { describeEntry, describeOperation, type Operation } from './operation.js'

export type { Operation } from './operation.js'

/** An entry under the key. Equal data and version are one object. */
interface Held {
  readonly id: number
  readonly data: string
  /** `undefined`: a failed write left the entry, and no call ever read it. */
  readonly version: Version | undefined
  /** Represents the version in a world, since no version is made twice. */
  readonly bit: bigint
}

interface Step {
  readonly operation: Operation
  readonly hasFailed: boolean
  /** Represents the step in a world. */
  readonly bit: bigint
  /** The entries that the step can leave. A failed step can have several, as its version may have been read later. */
  readonly writes: readonly Held[]
  /** Failed steps with the same likeness are interchangeable. */
  readonly likeness: string
}

/** One state that the key can be in, and how it got there. */
interface World {
  readonly held: Held | null
  /** The steps that took effect and the versions that they made, without the failed steps. */
  readonly past: bigint
  /** The same for failed steps, which need not take effect. Of two worlds, the one that spent less can do more. */
  readonly spent: bigint
}

const UNSEEN: Held = { id: 1, data: '', version: undefined, bit: 0n }

/**
 * Checks that calls on one key are linearizable: that they can have taken effect one after another on a store that
 * keeps the contract, each at an instant between its beginning and its end. The key has no entry at first. Returns
 * `undefined` if they can. Otherwise returns a text that lists the calls up to the first end that no order explains.
 *
 * The algorithm is Wing and Gong's search with Lowe's just-in-time linearization. It follows every state that the key
 * can be in from end to end, and puts a call before one that ends only if that one needs it. Its time grows with the
 * number of calls that are open at once, not with the length of the history.
 */
export function explainHistory(operations: readonly Operation[]): string | undefined {
  const steps = toSteps(operations)
  const waiting = steps.toSorted((a, b) => b.operation.began - a.operation.began)
  const open = new Set<Step>()
  let worlds: readonly World[] = [{ held: null, past: 0n, spent: 0n }]
  for (const step of answered(steps)) {
    for (let next = waiting.at(-1); next && next.operation.began <= step.operation.ended; next = waiting.at(-1)) {
      open.add(next)
      waiting.pop()
    }
    const reached = reach(worlds, open, step)
    worlds = reached.filter((world) => isPast(step, world))
    if (worlds.length === 0) return tell(operations, step.operation, reached)
    open.delete(step)
  }
  return undefined
}

/** The steps that did not fail, in the order of their ends. */
function answered(steps: readonly Step[]): Step[] {
  return steps.filter(({ hasFailed }) => !hasFailed).toSorted((a, b) => a.operation.ended - b.operation.ended)
}

function isPast({ bit }: Step, { past, spent }: World): boolean {
  return ((past | spent) & bit) !== 0n
}

function toSteps(operations: readonly Operation[]): Step[] {
  const versions = new Map<Version, bigint>()
  const all = new Map<string, Held>()
  const hold = (data: string, version: Version): Held => {
    const bit = versions.get(version) ?? 1n << BigInt(operations.length + versions.size)
    versions.set(version, bit)
    const name = JSON.stringify([data, version])
    const held = all.get(name) ?? { id: all.size + 2, data, version, bit }
    all.set(name, held)
    return held
  }
  const untold = [...untoldVersions(operations)]
  const writesOf = (operation: Operation): Held[] => {
    if (operation.method !== 'create' && operation.method !== 'update') return []
    const { data, outcome } = operation
    if (outcome.kind === 'null') return []
    if (outcome.kind === 'version') return [hold(data, outcome.version)]
    return [UNSEEN, ...untold.filter(([, seen]) => seen === data).map(([version]) => hold(data, version))]
  }
  return operations.map((operation, index) => {
    const writes = writesOf(operation)
    return {
      operation,
      hasFailed: operation.outcome.kind === 'unavailable',
      bit: 1n << BigInt(index),
      writes,
      likeness: JSON.stringify([
        operation.method,
        'version' in operation && operation.version,
        writes.map(({ id }) => id),
      ]),
    }
  })
}

/** Versions that were read but that no write returned, with their data. Failed writes must have made them. */
function untoldVersions(operations: readonly Operation[]): Map<Version, string> {
  const versions = new Map<Version, string>()
  for (const { outcome } of operations) if (outcome.kind === 'stored') versions.set(outcome.version, outcome.data)
  for (const { outcome } of operations) if (outcome.kind === 'version') versions.delete(outcome.version)
  return versions
}

/** The worlds that open steps lead to, up to those in which `last` took effect. */
function reach(worlds: readonly World[], open: ReadonlySet<Step>, last: Step): World[] {
  const reached: World[] = []
  const alike = new Map<string, World[]>()
  const add = (world: World): void => {
    const past = observe(world, open)
    const key = `${world.held?.id ?? 0} ${past.toString(36)}`
    const others = alike.get(key) ?? []
    if (others.some(({ spent }) => (spent & world.spent) === spent)) return
    const seen = { ...world, past }
    alike.set(key, [...others, seen])
    reached.push(seen)
  }
  for (const world of worlds) add(world)
  // The loop also visits the worlds that it adds.
  for (const world of reached) {
    if (isPast(last, world)) continue
    for (const step of choices(world, open)) for (const next of change(world, step)) add(next)
  }
  return reached
}

function choices(world: World, open: ReadonlySet<Step>): Step[] {
  const failed = new Set<string>()
  return [...open].filter((step) => {
    if (isPast(step, world)) return false
    if (!step.hasFailed) return true
    const isFirst = !failed.has(step.likeness)
    failed.add(step.likeness)
    return isFirst
  })
}

/** The past, plus the open steps that change nothing: taking effect as soon as possible costs them nothing. */
function observe({ held, past }: World, open: ReadonlySet<Step>): bigint {
  let observed = past
  for (const { operation, bit } of open) if (agrees(operation, held)) observed |= bit
  return observed
}

/** Whether a call that changed nothing can have had its outcome with that entry under the key. */
function agrees(operation: Operation, held: Held | null): boolean {
  const { method, outcome } = operation
  if (outcome.kind === 'stored') return held?.version === outcome.version && held.data === outcome.data
  if (outcome.kind !== 'null') return false
  if (method === 'update') return held?.version !== operation.version
  return (method === 'read') === (held === null)
}

/** The worlds that a call which changes the key leads to. */
function change(world: World, { operation, hasFailed, bit, writes }: Step): World[] {
  const { held, past, spent } = world
  const become = (after: Held | null, bits: bigint): World =>
    hasFailed ? { held: after, past, spent: spent | bits } : { held: after, past: past | bits, spent }
  switch (operation.method) {
    case 'read':
      return []
    case 'destroy':
      return [become(null, bit)]
    case 'create':
      if (held !== null) return []
      break
    case 'update':
      if (held?.version !== operation.version) return []
  }
  return writes.filter((write) => ((past | spent) & write.bit) === 0n).map((write) => become(write, bit | write.bit))
}

function tell(operations: readonly Operation[], last: Operation, worlds: readonly World[]): string {
  const calls = operations
    .filter(({ began }) => began <= last.ended)
    .toSorted((a, b) => a.began - b.began)
    .map((operation) => `  ${describeOperation(operation)}${operation === last ? '   <- not explained' : ''}`)
  const states = new Set(worlds.map(({ held }) => describeHeld(held)))
  const rule = last.outcome.kind === 'version' ? ' A store must not make a version twice.' : ''
  return [
    'No order of these calls explains what they returned:',
    ...calls,
    `When the marked call took effect, the key can only have contained ${[...states].join(', or ')}.${rule}`,
  ].join('\n')
}

function describeHeld(held: Held | null): string {
  if (held === null) return 'nothing'
  const { data, version } = held
  return version === undefined ? 'what a failed call wrote' : describeEntry({ data, version })
}
