/** What can be shown of a message that has no code: the word of a reply, and what says nothing of a command. */
const SHOWN =
  /^(?:[A-Z]+\b|Connection is closed|Socket timeout|Failed to refresh slots cache|All sentinels are unreachable)/

/** Whether Redis answered with an error, of that word. */
export function isReply(error: unknown, word = ''): boolean {
  return error instanceof Error && error.name === 'ReplyError' && error.message.startsWith(word)
}

/** What can be shown of an error, if anything: its message may repeat what was sent, and its fields do. */
export function shown(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error
  const [message] = SHOWN.exec(error.message) ?? []
  return message === undefined ? undefined : Object.assign(new Error(message), { name: error.name, code: message })
}
