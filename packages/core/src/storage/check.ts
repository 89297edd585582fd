import type { ClientStore, Entry, Finding, Lack, ServerStore, Store } from '../contract.js'
import { randomText } from '../crypto/random.js'
import { codeOf, isError, type SessError } from '../error.js'
import { storeError } from './answer.js'
import { encode, newRecord } from './record.js'

/** How long the backend keeps the session of a check that could not be removed: as long as it must keep a tombstone. */
const KEPT_MS = 60_000
const KEY_BYTES = 32

/**
 * Begins, reads, changes and ends a session in the store, then asks the store what is wrong with its set-up. Resolves with
 * all that was found. It leaves nothing in the store.
 */
export async function checkStore(store: Store, clock: () => number): Promise<readonly Finding[]> {
  if (store.kind === 'client') return tryClientStore(store, clock())
  const tried = await tryServerStore(store, clock())
  try {
    return [...tried, ...((await store.check?.()) ?? [])]
  } catch (error) {
    const failed = failureOf(storeError(store, error))
    // What kept the session from being stored keeps the set-up from being looked at.
    return tried.some(({ code }) => code === failed.code) ? tried : [...tried, failed]
  }
}

async function tryServerStore(store: ServerStore, now: number): Promise<readonly Finding[]> {
  const key = randomText(KEY_BYTES)
  try {
    const broken = await trip(store, key, now)
    return broken === undefined ? [] : [broken]
  } catch (error) {
    return [failureOf(storeError(store, error))]
  } finally {
    // A call that failed may have been carried out. If this one fails too, the entry expires.
    await store.destroy(key).catch(() => undefined)
  }
}

/** Resolves with the promise that the store broke, if it did. */
async function trip(store: ServerStore, key: string, now: number): Promise<Finding | undefined> {
  const lacks = (word: Lack): boolean => store.lacks?.includes(word) === true
  const holds = async (entry: Entry): Promise<boolean> => lacks('fresh') || isSame(await store.read(key), entry)
  const [begun, changed] = entriesOf(now)

  const first = await store.create(key, begun)
  if (first === null || !(await holds(begun))) return loses(store)
  const second = await store.update(key, changed, first)
  if (second === null || !(await holds(changed))) return loses(store)
  if (!lacks('atomic') && (await store.update(key, begun, first)) !== null) return overwrites(store)
  await store.destroy(key)
  const isGone = lacks('fresh') || (await store.read(key)) === null
  return isGone && (await store.update(key, changed, second)) === null ? undefined : revives(store)
}

async function tryClientStore(store: ClientStore, now: number): Promise<readonly Finding[]> {
  try {
    for (const entry of entriesOf(now))
      if (!isSame(await store.open(await store.seal(entry)), entry)) return [loses(store)]
    return []
  } catch (error) {
    return [failureOf(storeError(store, error))]
  }
}

/** A session that is nobody's, as it begins and as it is changed. */
function entriesOf(now: number): readonly [begun: Entry, changed: Entry] {
  const record = newRecord(now, { check: 1 })
  const expiresAt = now + KEPT_MS
  return [
    { data: encode(record), expiresAt },
    { data: encode({ ...record, values: { check: 2 } }), expiresAt },
  ]
}

function isSame(stored: Entry | null, { data, expiresAt }: Entry): boolean {
  return stored?.data === data && stored.expiresAt === expiresAt
}

function loses({ name }: Store): Finding {
  return fault('STORE_LOSES', `The ${name} store did not return a session as it was stored a moment before. ${AUTHOR}`)
}

function overwrites({ name }: Store): Finding {
  return fault('STORE_OVERWRITES', `The ${name} store replaced a session by one that was older. ${AUTHOR}`)
}

function revives({ name }: Store): Finding {
  return fault('STORE_REVIVES', `The ${name} store has a session that was removed from it. ${AUTHOR}`)
}

const AUTHOR =
  'Do all servers behind it hold the same data? If so, its adapter has a fault: run @sess/conformance on it.'

function fault(code: string, message: string): Finding {
  return { code, severity: 'error', message }
}

/** What to do about a failure, by the code of its cause. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: start the server, or correct the address.',
  ENOENT: 'There is no such file or socket: correct the path.',
  EACCES: 'The user of this process may not open it.',
  ENOTFOUND: 'No such host is known: correct the address.',
  EAI_AGAIN: 'The name of the host could not be looked up: correct the address, or the name service of this machine.',
  ECONNRESET: 'The server closed the connection: does it expect TLS, or something else than this client?',
  ETIMEDOUT: 'Can this machine reach the server, and does it do its work?',
  EHOSTUNREACH: 'Can this machine reach the server?',
  ENETUNREACH: 'Can this machine reach the server?',
}

/** The finding of a store that failed: what it reports, why, and what to do about it. */
function failureOf({ code, message, cause }: SessError): Finding {
  const causeCode = codeOf(cause) ?? ''
  const why = isError(cause) ? cause.message : ''
  const parts = [reportOf(message, causeCode, why), ADVICE[causeCode]]
  return fault(code, oneLine(parts.filter((part) => part !== undefined).join(' ')))
}

/** The message with the cause: in place of the code at its end, or after it. */
function reportOf(message: string, code: string, why: string): string {
  if (why === '' || code === 'ETIMEDOUT') return message
  const begin = message.endsWith(`: ${code}.`)
    ? message.slice(0, -`${code}.`.length)
    : `${message.replace(/\.$/, '')}: `
  return `${begin}${why.replace(/\.$/, '')}.`
}

/** Without the login of a URL, which a third-party client might quote. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/\/\/[^\s/@]*@/g, '//')
}
