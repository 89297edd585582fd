import { createHash } from 'node:crypto'
import type { Version } from '@sess/core/adapter'
import type { Commands } from './batch.js'
import type { Client } from './client.js'
import { failure, isReply } from './error.js'

interface Write {
  readonly key: string
  /** The value to store, which contains a new version. */
  readonly value: string
  readonly expiresAt: number
  /** The version that must be stored under the key now. Left out: the key must not exist. */
  readonly known?: Version
}

// Each write has one key and three arguments: '' if the key must not exist, or '=' and the version that must be there;
// the value; and how many milliseconds it is to live. If that is not above 0, the key is deleted: a full server refuses
// SET. The pattern matches the header of core's `frame`: a version of 16 characters, a date of up to 16 digits, a colon.
const SCRIPT = `
local done = {}
for i, key in ipairs(KEYS) do
  local known, value, left = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local lives = tonumber(left) > 0
  done[i] = false
  if known == '' then
    done[i] = redis.call('SET', key, value, lives and 'PX' or 'PXAT', lives and left or '1', 'NX')
  else
    local head = redis.pcall('GETRANGE', key, 0, 32)
    if type(head) == 'string' and '=' .. head:sub(1, 16) == known
      and head:find('^[%w_-]+:') and head:find('^[1-9]%d*:', 17) then
      if lives then
        done[i] = redis.call('SET', key, value, 'PX', left)
      else
        redis.call('DEL', key)
        done[i] = 'OK'
      end
    end
  end
end
return done`
const DIGEST = createHash('sha1').update(SCRIPT).digest('hex')

/** The answer is the value under a key. `null`: there is none. `undefined`: there is none, or it is not a string. */
export function readsOf(client: Client): Commands<string> {
  return {
    one: (key, due, isLone) => client.send('get', [key], due, isLone),
    // MGET answers nil for a value that is not a string.
    async many(keys, due) {
      const replies = await client.send('mget', [...keys], due)
      return listOf(replies, keys.length).map((reply) => reply ?? undefined)
    },
  }
}

/** The answer is `null` if the write was refused: the key has another version, or exists although it must not. */
export function writesOf(client: Client): Commands<Write> {
  return {
    one(write, due, isLone) {
      if (write.known === undefined)
        return client.send('set', [write.key, write.value, ...expiryOf(leftOf(write)), 'NX'], due, isLone)
      const { key, known, value } = write
      return runScript(client, [1, key, `=${known}`, value, leftOf(write)], due, isLone).then(
        (reply) => listOf(reply, 1)[0],
      )
    },
    async many(writes, due) {
      const keys = writes.map(({ key }) => key)
      return listOf(await runScript(client, [keys.length, ...keys, ...writes.flatMap(argsOf)], due), keys.length)
    },
  }
}

function argsOf(write: Write): [string, string, number] {
  return [write.known === undefined ? '' : `=${write.known}`, write.value, leftOf(write)]
}

/** Milliseconds that the entry is to live. The server's clock may differ from ours, so it is not told a date. */
function leftOf({ expiresAt }: Write): number {
  return expiresAt - Date.now()
}

function expiryOf(left: number): [string, number] {
  return left > 0 ? ['PX', left] : ['PXAT', 1]
}

function runScript(client: Client, args: readonly (string | number)[], due: number, isLone = false): Promise<unknown> {
  return client.send('evalsha', [DIGEST, ...args], due, isLone).catch((error: unknown) => {
    // The server does not have the script: it has not seen it yet, or has lost it.
    if (!isReply(error, 'NOSCRIPT')) throw error
    return client.send('eval', [SCRIPT, ...args], due)
  })
}

function listOf(reply: unknown, length: number): readonly unknown[] {
  if (Array.isArray(reply) && reply.length === length) return reply
  throw failure('UNEXPECTED_REPLY', 'The server replied with something other than a list. Is it Redis?')
}
