/** The part of a message that is safe to show: the first word of a reply, or a text that does not quote a command. */
const SHOWN =
  /^(?:[A-Z]+\b|Connection is closed|Socket timeout|Failed to refresh slots cache|All sentinels are unreachable)/

/** Whether Redis replied with an error, and one that begins with `word`. */
export function isReply(error: unknown, word = ''): boolean {
  return error instanceof Error && error.name === 'ReplyError' && error.message.startsWith(word)
}

/** Whether an error is of that command. */
export function isOf(error: unknown, command: string): boolean {
  if (!(error instanceof Error && 'command' in error)) return false
  const { command: failed } = error
  return typeof failed === 'object' && failed !== null && 'name' in failed && failed.name === command
}

/**
 * An error that is safe to show: the message of the original may repeat what was sent, and its fields do. `undefined`:
 * none of it is safe.
 */
export function shown(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error
  const [message] = SHOWN.exec(error.message) ?? []
  return message === undefined ? undefined : Object.assign(new Error(message), { name: error.name, code: message })
}
