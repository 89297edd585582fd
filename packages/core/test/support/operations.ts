import { type ServerOperations, type ServerStore, serverStore, type SqlStatements } from '@sess/core/adapter'

/** Milliseconds. */
export const DEADLINE = 1000

/** A store whose calls succeed at once, except for the operations given here. It finds nothing. */
export function storeWith(operations: Partial<ServerOperations>): ServerStore {
  return serverStore({
    name: 'test',
    maxBytes: 1000,
    deadline: DEADLINE,
    create: async () => 'version',
    read: async () => null,
    update: async () => null,
    destroy: async () => undefined,
    close: async () => undefined,
    ...operations,
  })
}

/** Statements that are told apart by one word. */
export const STATEMENTS: SqlStatements = {
  table: 'TABLE',
  create: 'CREATE',
  read: 'READ',
  update: 'UPDATE',
  destroy: 'DESTROY',
  prune: 'PRUNE',
}
