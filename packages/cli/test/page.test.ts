import { execFile } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { delimiter } from 'node:path'
import { promisify } from 'node:util'
import { sessions } from '@sess/core'
import { expect, it } from 'vitest'
import { type Block, Document } from '../../../docs/test/support/document.ts'
import { Installation } from '../../core/test/support/installation.ts'
import { CLI, SPAWN_TIMEOUT } from './support.ts'

const run = promisify(execFile)
const { blocks, rows, files } = new Document('packages/cli/README.md')

const STAMP = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g
/** The ids of sessions that the page shows. */
const SHOWN = [...new Set(blocks.flatMap(({ text }) => text.match(/\b[\w-]{12}\b(?=  \d{4}-)/g) ?? []))]

/** An application as on the page, where `sess` is installed and the user 42 is logged in. */
async function application() {
  const at = Installation.forTest().link('core', 'adapter-sqlite')
  at.write({ ...files, 'package.json': '{"type":"module"}' }).symlink(CLI, 'bin', 'sess')
  chmodSync(CLI, 0o755)
  const env = { ...process.env, PATH: `${at.at('bin')}${delimiter}${process.env['PATH']}`, NODE_OPTIONS: '' }
  const shell = async (line: string) =>
    (await run('sh', ['-c', `${line.replaceAll('npx sess', 'sess')} || [ $? = 1 ]`], { cwd: at.path, env })).stdout
  return { at, shell }
}

type Application = Awaited<ReturnType<typeof application>>

/** Logs 42 in on two devices, and the text '7'. The cookie of 42's last login is in cookie.txt. Resolves with 42's ids. */
async function logIn({ at, shell }: Application): Promise<readonly string[]> {
  const secret = (await shell('. ./.env; printf %s "$SESSION_SECRET"')).trim()
  const sess = sessions('sqlite', { secret, owner: 'userId', file: at.at('sessions.sqlite'), from: at.main })
  for (const userId of ['7', 42, 42]) {
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { userId, device: 'phone' })
    const [, cookie = ''] = (await exchange.commit(200))[0] ?? []
    at.write({ 'cookie.txt': cookie })
  }
  const listed = await sess.owner(42).sessions()
  await sess.close()
  return listed.map(({ id }) => id)
}

/** A text in which what differs from run to run is the same. */
function masked(text: string, ids: readonly string[]): string {
  const isId = new RegExp(ids.join('|') || '(?!)', 'g')
  return text.replaceAll(isId, 'id-of-session').replaceAll(STAMP, 'stamp').trim()
}

it('prints what the page shows', { timeout: SPAWN_TIMEOUT }, async () => {
  const app = await application()
  let commands: Block | undefined
  let ids: readonly string[] = []
  let compared = 0
  for (const block of blocks) {
    if (block.language === 'sh') commands = block
    if (block.use !== 'output' || commands === undefined) continue
    const printed: string[] = []
    for (const line of commands.text.split('\n'))
      printed.push(await app.shell(line.replaceAll(SHOWN[0] ?? '', ids[0] ?? '')))
    expect(masked(printed.join(''), ids)).toBe(masked(block.text, SHOWN))
    compared++
    // The first commands make the secret. `revoke` ends all sessions.
    if (compared === 1 || commands.text.includes('revoke')) ids = await logIn(app)
  }
  expect(compared).toBe(6)
})

it('has a row for every command and every option', async () => {
  const { shell } = await application()
  const help = await shell('sess help')
  const commands = [...help.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name).filter((name) => name !== 'help')
  expect(rows.filter((row) => /^[a-z]+(?: OWNER)?$/.test(row)).map((row) => row.split(' ')[0])).toEqual([
    ...commands,
    ...JSON_COMMANDS,
  ])
  const options = (await shell('sess help check')).match(/--\w+(?= <\w+>)|--json/g)
  expect(rows.filter((row) => row.startsWith('--')).map((row) => row.split(' ')[0])).toEqual(options)
})

const JSON_COMMANDS = ['check', 'list', 'revoke', 'inspect', 'prune']
