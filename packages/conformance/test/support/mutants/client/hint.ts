import type { AdapterContext, ClientStore } from '@sess/core/adapter'

const HINT_LENGTH = 6

/** The text that identifies each secret in a token, newest first. */
export function hintsOf(context: AdapterContext): readonly string[] {
  return context.keys('hint').map((key) => Buffer.from(key).toString('base64url').slice(0, HINT_LENGTH))
}

/**
 * Puts a hint of the newest secret before each token. `read` returns the rest of a token, to be opened with every
 * secret, or `undefined` if the token is to open as null.
 */
export function hinted(
  read: (hint: string, known: readonly string[], rest: string) => string | undefined,
): (store: ClientStore, context: AdapterContext) => Partial<ClientStore> {
  return (store, context) => {
    const known = hintsOf(context)
    return {
      maxBytes: store.maxBytes - HINT_LENGTH,
      seal: async (entry) => `${known[0] ?? ''}${await store.seal(entry)}`,
      open(token) {
        const rest = read(token.slice(0, HINT_LENGTH), known, token.slice(HINT_LENGTH))
        return rest === undefined ? null : store.open(rest)
      },
    }
  }
}
