import { codeOf, isError } from '@sess/core/adapter'

/** An error that says why a call failed, and shows nothing that was sent. */
export interface Failure extends Error {
  /** A code of the system, the first word of a reply, or one of those below. */
  readonly code: string
}

/** The failures that ioredis reports without a code, by how the message begins. */
const REPORTS: readonly (readonly [RegExp, code: string, message: string])[] = [
  [
    /^(?:Connection is|Reached the max retries|Command aborted|Cluster is)/,
    'CONNECTION_LOST',
    'The connection was lost.',
  ],
  [/^(?:Socket timeout|timeout$)/, 'ETIMEDOUT', 'Redis did not answer in time.'],
  [/^All sentinels are unreachable/, 'NO_MASTER', 'No sentinel answers and knows the master.'],
  [/^None of startup nodes/, 'NO_NODE', 'No node of the Cluster answers.'],
  [/Please report this\.$/, 'UNEXPECTED_REPLY', 'The server sent an unexpected reply. Is it Redis?'],
]
const UNKNOWN = ['CLIENT_ERROR', 'ioredis failed.'] as const

/** What to do about a reply, by its first word. */
const ADVICE: Readonly<Record<string, string>> = {
  NOAUTH: 'Redis wants a login: set username and password.',
  WRONGPASS: 'Redis knows no such user and password: correct username and password.',
  NOPERM: "Redis does not let the user do that: grant the rights in the adapter's README.",
  OOM: 'Redis has no memory left for it: raise maxmemory, or shorten idleTimeout.',
  READONLY: 'The server is a replica: connect to the master, by sentinels or nodes if the master can change.',
  MOVED: 'The server is a node of a Cluster: name some of its nodes in the option nodes, instead of url.',
  LOADING: 'Redis is loading its data: try again when it has.',
  MISCONF: 'Redis takes no changes, because it cannot save to its disk: see its log.',
  CLUSTERDOWN: 'The Cluster has no master for some keys: see CLUSTER INFO.',
}

/** The first word of a reply that ioredis quotes. */
const QUOTED = /Last error: (?:ReplyError: )?([A-Z]{2,})\b/

export function failure(code: string, message: string, name = 'Error'): Failure {
  return Object.assign(new Error(message), { name, code })
}

/** Whether Redis replied with an error, and one that begins with `word`. */
export function isReply(error: unknown, word = ''): error is Error {
  return isError(error) && error.name === 'ReplyError' && error.message.startsWith(word)
}

/** Whether an error is of that command. */
export function isOf(error: unknown, command: string): boolean {
  if (!(isError(error) && 'command' in error)) return false
  const { command: failed } = error
  return typeof failed === 'object' && failed !== null && 'name' in failed && failed.name === command
}

/** Says why a call failed: what ioredis throws may repeat what was sent, in its message and in its fields. */
export function explain(error: unknown): Failure {
  if (!isError(error)) return failure(...UNKNOWN)
  const { name, message } = error
  // Node tried several addresses of a host. The error itself has no message.
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) return explain(error.errors[0])
  const given = codeOf(error)
  if (given !== undefined) return failure(given, message, name)
  if ('lastNodeError' in error && isError(error.lastNodeError)) return explain(error.lastNodeError)
  const [, word] = (isReply(error) ? /^([A-Z]+)\b/ : QUOTED).exec(message) ?? []
  const [, code = word, text = word] = REPORTS.find(([pattern]) => pattern.test(message)) ?? []
  if (code === undefined || text === undefined) return failure(...UNKNOWN, name)
  if (word !== undefined && word !== code) return failure(code, `${text} The last one replied ${word}.`, name)
  const advice = ADVICE[code]
  return failure(code, advice === undefined ? text : `${code}: ${advice}`, name)
}
