import memory, { type MemoryOptions } from '@sess/adapter-memory'
import type { ServerStore } from '@sess/core/adapter'
import { openServerStore } from '../../../tests/support/stores.ts'

let scopes = 0

export function newScope(): string {
  return `test ${++scopes}`
}

/** Opens a store on a new scope, unless one is given, and closes it when the test ends. */
export function openStore(options: MemoryOptions = {}): ServerStore {
  return openServerStore(memory, { scope: newScope(), ...options })
}
