import { processWide } from '../process-wide.js'

/** Is told that a session has left its key: it ended, or moved `to` another key. */
export type Departed = (to: string | undefined) => void

/** Who listens, by the session's key. Shared by all copies of core in the process: keys are random, so none has two meanings. */
const listeners = processWide('@sess/core endings/1', () => new Map<string, Set<Departed>>())

export function listen(key: string, departed: Departed): void {
  const known = listeners.get(key)
  if (known) known.add(departed)
  else listeners.set(key, new Set([departed]))
}

export function stopListening(key: string, departed: Departed): void {
  const known = listeners.get(key)
  known?.delete(departed)
  if (known?.size === 0) listeners.delete(key)
}

/** Tells those who listen that this process has ended a session, or moved it. */
export function announce(key: string, to?: string): void {
  for (const departed of listeners.get(key) ?? []) departed(to)
}
