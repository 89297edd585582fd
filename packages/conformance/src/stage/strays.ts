import { EventEmitter } from 'node:events'
import { runInThisContext } from 'node:vm'
import { describeError } from '../breach.js'
import { caseContext, type Notes } from './case-context.js'

/** Node's own process. Jest gives its tests a copy, which receives none of the events below. */
const node = nodeProcess()

/** The suites that are running. */
const watching = new Set<Notes>()
let stopListening: () => void = () => {}

/** The errors that nobody handled while a suite ran. Clause 7.7 reports them, and they do not end the process. */
export class Strays implements Notes {
  readonly #all: string[] = []

  /** What happened, and during which case. */
  get all(): readonly string[] {
    return this.#all
  }

  add(note: string): void {
    this.#all.push(note)
  }

  /** Starts to note the errors that nobody handles. The test runner gets none of them, because it cannot name the case. */
  watch(): void {
    if (watching.size === 0) stopListening = listen()
    watching.add(this)
  }

  unwatch(): void {
    if (watching.delete(this) && watching.size === 0) stopListening()
  }
}

function addToOwner(what: string): void {
  const attempt = caseContext()?.attempt
  const when = attempt === undefined ? 'outside every case' : `during "${attempt.title}"`
  const owners = attempt !== undefined && watching.has(attempt.strays) ? [attempt.strays] : watching
  for (const strays of owners) strays.add(`${what}, ${when}`)
}

function onRejection(reason: unknown): void {
  addToOwner(`an unhandled rejection (${describeError(reason)})`)
}

function onException(error: unknown): void {
  addToOwner(`an uncaught error (${describeError(error)})`)
}

function onWarning({ name, message }: Error): void {
  if (name === 'MaxListenersExceededWarning') addToOwner(`a warning (${message})`)
}

function listen(): () => void {
  const rejectionListeners = node.listeners('unhandledRejection')
  const exceptionListeners = node.listeners('uncaughtException')
  for (const listener of rejectionListeners) node.off('unhandledRejection', listener)
  for (const listener of exceptionListeners) node.off('uncaughtException', listener)
  node.on('unhandledRejection', onRejection)
  node.on('uncaughtException', onException)
  node.on('warning', onWarning)
  return () => {
    node.off('unhandledRejection', onRejection)
    node.off('uncaughtException', onException)
    node.off('warning', onWarning)
    for (const listener of rejectionListeners) node.on('unhandledRejection', listener)
    for (const listener of exceptionListeners) node.on('uncaughtException', listener)
  }
}

function nodeProcess(): NodeJS.Process {
  const found: unknown = runInThisContext('process')
  return isProcess(found) ? found : process
}

function isProcess(value: unknown): value is NodeJS.Process {
  return value instanceof EventEmitter && 'versions' in value
}
