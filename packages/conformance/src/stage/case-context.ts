import { AsyncLocalStorage } from 'node:async_hooks'

/** One attempt to run a case. */
export interface Attempt {
  /** The case's title, with the clause's number. */
  readonly title: string
  /** The errors of the whole run that nobody handled. */
  readonly strays: Notes
  /** The store was too slow for the first attempt, so this one asks less of it at once. */
  readonly isCareful: boolean
}

export interface Notes {
  /** In the order in which they were added. */
  readonly all: readonly string[]
  add(note: string): void
}

interface CaseContext {
  readonly attempt: Attempt
  /** The store's method that was called. */
  readonly method?: string
}

// Whatever an attempt starts, such as a timer or a socket, keeps its context, however late it acts.
const contexts = new AsyncLocalStorage<CaseContext | undefined>()

/** The attempt that the running code belongs to, and the method of the store that it was called by. */
export function caseContext(): CaseContext | undefined {
  return contexts.getStore()
}

export function runAttempt<T>(attempt: Attempt, act: () => T): T {
  return contexts.run({ attempt }, act)
}

/** Calls a method of the store, so that what it starts is known by the method's name. */
export function runMethod<T>(method: string, call: () => T): T {
  const context = contexts.getStore()
  return context === undefined ? call() : contexts.run({ ...context, method }, call)
}

/** Runs what is not the store's, such as the harness and the fault proxy. What it starts belongs to no case. */
export function runOutside<T>(act: () => T): T {
  return contexts.run(undefined, act)
}
