import { expect, onTestFinished } from 'vitest'
import { Document } from '../../../../docs/test/support/document.ts'
import { serve } from './command.ts'

/** The server on the first screen of README.md. */
export const TEN_LINES: string = new Document('README.md').files['server.mjs'] ?? ''

export const SECRET = 'a secret of the rehearsal, of 32 bytes or more'

/** The line that names the store, and those that replace it. */
export const STORES = {
  cookie: "sessions('cookie', { secret: process.env.SESSION_SECRET })",
  redis: "sessions('redis', { secret: process.env.SESSION_SECRET, url: process.env.REDIS_URL })",
  sqlite: "sessions('sqlite', { secret: process.env.SESSION_SECRET, file: 'sessions.sqlite' })",
}

/** The server, on this store. */
export const tenLines = (store: keyof typeof STORES): string => TEN_LINES.replace(STORES.cookie, STORES[store])

/** An ES module, as CommonJS. */
export const asCommonJs = (text: string): string =>
  text.replaceAll(/^import (\{.*\}) from ('.*')$/gm, 'const $1 = require($2)')

/** The answers to two visits. */
export const COUNTED = ['Visit number 1\n', 'Visit number 2\n']

/** The answers to two visits. The second sends the cookie of the first. */
async function visitTwice(address: string): Promise<readonly string[]> {
  const first = await fetch(address)
  const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const second = await fetch(address, { headers: { cookie } })
  return [await first.text(), await second.text()]
}

/** Starts the server with these arguments of Node, and visits it twice. It says nothing else. */
export async function count(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<readonly string[]> {
  const server = await serve(args, cwd, { SESSION_SECRET: SECRET, ...env })
  onTestFinished(() => server.stop())
  const answers = await visitTwice(server.address)
  expect(server.stderr()).toBe('')
  return answers
}
