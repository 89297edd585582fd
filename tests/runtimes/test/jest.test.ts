import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Document } from '../../../docs/test/support/document.ts'
import { FILL_TABLE } from '../../../packages/adapter-sqlite/test/full-table.ts'
import { mount } from '../../../packages/adapter-sqlite/test/mounts.ts'
import { isNightly } from '../../../scripts/nightly.js'
import { Project, SECRET, toolPath } from './support/project.ts'

const APPLICATION = `import cookie from '@sess/adapter-cookie'
import memory from '@sess/adapter-memory'
import { sessions, SessError } from '@sess/core'
import { isSessError } from '@sess/core/adapter'
import { describe, expect, test } from '@jest/globals'

const secret = '${SECRET}'

async function kept(sess) {
  const exchange = sess.exchange(null)
  Object.assign(await exchange.open(), { user: 'ada' })
  const headers = await exchange.commit(200)
  const line = headers.find(([name]) => name === 'set-cookie')[1]
  return { ...(await sess.exchange(line.split(';')[0]).open()) }
}

describe.each([['cookie', cookie], ['memory', memory]])('the %s store', (name, adapter) => {
  test('is found by name', async () => {
    expect(await kept(sessions(name, { secret }))).toEqual({ user: 'ada' })
  })
  test('is passed in', async () => {
    expect(await kept(sessions(adapter, { secret }))).toEqual({ user: 'ada' })
  })
})

test('an adapter that is missing is an error that says so', () => {
  expect(() => sessions('missing', { secret })).toThrow(SessError)
  expect(() => sessions('missing', { secret })).toThrow('No adapter')
})

test('an error of the network, which is of another realm, is told apart', async () => {
  const sess = sessions('redis', { secret, url: 'redis://127.0.0.1:1' })
  const exchange = sess.exchange(null)
  Object.assign(await exchange.open(), { user: 'ada' })
  const error = await exchange.commit(200).catch((reason) => reason)
  expect(isSessError(error)).toBe(true)
  expect([error.code, error.cause.code]).toEqual(['UNAVAILABLE', 'ECONNREFUSED'])
  await sess.close()
})
`

const page = new Document('docs/guide/jest.md')
const shown = (name: string) => page.files[name] ?? `the page shows no ${name}`

/** `full`: SQL after which each write finds the disk full. `readOnly`: a file on a file system that is read-only. */
const sqlite = (full: string, readOnly: string) => `import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { sessions } from '@sess/core'
import Database from 'better-sqlite3'
import { expect, test } from '@jest/globals'

const secret = '${SECRET}'

async function visit(sess, cookie, changes) {
  const exchange = sess.exchange(cookie)
  const session = await exchange.open()
  Object.assign(session, changes)
  const headers = await exchange.commit(200)
  const line = headers.find(([name]) => name === 'set-cookie')
  return { session: { ...session }, cookie: line === undefined ? cookie : line[1].split(';')[0] }
}

async function outcome(file, changes) {
  const sess = sessions('sqlite', { secret, file })
  const error = await visit(sess, null, changes).catch((reason) => reason)
  await sess.close()
  return [error.code, error.cause.code]
}

test('a new file is written, closed, and opened again', async () => {
  const file = resolve('new.sqlite')
  const first = sessions('sqlite', { secret, file })
  const { cookie } = await visit(first, null, { user: 'ada' })
  await first.close()
  const second = sessions('sqlite', { secret, file })
  expect((await visit(second, cookie, {})).session).toEqual({ user: 'ada' })
  await visit(second, cookie, { user: 'grace' })
  expect((await visit(second, cookie, {})).session).toEqual({ user: 'grace' })
  await second.close()
})

test('a full disk, a read-only file and a damaged one are told apart', async () => {
  const file = resolve('full.sqlite')
  const sess = sessions('sqlite', { secret, file })
  await visit(sess, null, { user: 'ada' })
  await sess.close()
  const database = new Database(file)
  database.exec(${JSON.stringify(full)})
  database.close()
  writeFileSync('damaged.sqlite', 'no database '.repeat(1000))
  expect(await outcome(file, { user: 'ada' })).toEqual(['UNAVAILABLE', 'SQLITE_FULL'])
  expect(await outcome(${JSON.stringify(readOnly)}, { user: 'ada' })).toEqual(['UNAVAILABLE', 'EROFS'])
  expect(await outcome('damaged.sqlite', { user: 'ada' })).toEqual(['CORRUPT', 'SQLITE_NOTADB'])
})
`

interface JestRun {
  readonly type?: string
  readonly file: string
  readonly text: string
  readonly node?: readonly string[]
  readonly project?: Project
}

/** Runs Jest on a test, in a package of this type. The output is what a terminal would show. */
async function jest(tool: string, options: JestRun) {
  const path = (...names: readonly string[]) => toolPath(tool, ...names)
  const { type = 'commonjs', file, text, node = [], project = Project.withPackages() } = options
  const config = {
    testTimeout: 60_000,
    moduleNameMapper: { '^@jest/globals$': path('@jest/globals') },
    transform: {
      '\\.ts$': [path('ts-jest'), { diagnostics: false, tsconfig: { module: 'commonjs', esModuleInterop: true } }],
      ...(type === 'commonjs' && { '\\.js$': [path('babel-jest'), { presets: [path('@babel/preset-env')] }] }),
    },
  }
  project.write({
    'package.json': JSON.stringify({ type }),
    'jest.config.json': JSON.stringify(config),
    [file]: text,
  })
  const ran = await project.node(...node, path('jest/bin/jest.js'), '--config', 'jest.config.json', '--rootDir', '.')
  return `${ran.code === 0 ? 'passed' : 'failed'}\n${ran.stdout}${ran.stderr}`
}

const VM_MODULES = ['--experimental-vm-modules', '--no-warnings']

describe.each(isNightly ? ['jest-29', 'jest-30'] : ['jest-30'])('%s', (tool) => {
  it.each([
    ['babel', 'application.test.js'],
    ['ts-jest', 'application.test.ts'],
  ])('without flags, compiled by %s: loads core, adapters by name and passed in', async (_, file) => {
    expect(await jest(tool, { file, text: APPLICATION })).toMatch(/^passed[^]+Tests: +6 passed, 6 total/)
  })

  it('without flags: runs the suite', async () => {
    expect(await jest(tool, { file: 'store.test.js', text: shown('store.test.js') })).toMatch(
      /^passed[^]+Tests: +\d+ skipped, \d+ passed/,
    )
  })

  it('with --experimental-vm-modules: loads core, adapters by name and passed in', async () => {
    const options = { type: 'module', file: 'application.test.js', text: APPLICATION, node: VM_MODULES }
    expect(await jest(tool, options)).toMatch(/^passed[^]+Tests: +6 passed, 6 total/)
  })

  it.for([
    ['without flags', 'commonjs', []],
    ['with --experimental-vm-modules', 'module', VM_MODULES],
  ] as const)('%s: the sqlite store keeps its file and tells its errors apart', async ([, type, node], context) => {
    const project = Project.withSqlite()
    const readOnly = project.at('read-only')
    mkdirSync(readOnly)
    mount(context, '-t', 'tmpfs', '-o', 'ro', 'tmpfs', readOnly)
    const text = sqlite(FILL_TABLE, join(readOnly, 'sessions.sqlite'))
    expect(await jest(tool, { type, file: 'sqlite.test.js', text, node, project })).toMatch(
      /^passed[^]+Tests: +2 passed, 2 total/,
    )
  })
})

/** A manifest of the page, and where its test is. */
const SETTINGS = [
  ['babel', '{}', 'session.test.js', 'commonjs'],
  ['ts-jest, as Nest sets it up, with commonjs', shown('nest.json'), 'src/session.spec.ts', 'commonjs'],
  ['ts-jest, as Nest sets it up, with nodenext', shown('nest.json'), 'src/session.spec.ts', 'nodenext'],
  ['ES modules', shown('esm.json'), 'session.test.js', 'commonjs'],
] as const

describe('the page on Jest', () => {
  it.each(SETTINGS)('shows settings that work: %s', async (name, manifest, file, module) => {
    const compilerOptions = { module, target: 'es2022', types: ['node'], esModuleInterop: true, skipLibCheck: true }
    const project = Project.withPackages()
      .write({
        'package.json': manifest,
        'tsconfig.json': JSON.stringify({ compilerOptions }),
        [file]: shown('session.test.js'),
        ...(name === 'babel' && { 'babel.config.json': shown('babel.config.json') }),
      })
      .link(toolPath('jest-30'), 'node_modules')
    const [command = ''] = page.blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)
    const [variable = '', ...words] = command.split(' ')
    const ran = await project.run('sh', [
      '-c',
      name === 'ES modules' ? [variable, ...words].join(' ') : words.join(' '),
    ])
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringMatching(/Tests: +1 passed, 1 total/)])
  })
})
