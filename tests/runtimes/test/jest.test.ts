import { describe, expect, it } from 'vitest'
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

const SUITE = `import adapter from '@sess/adapter-memory'
import { testStore } from '@sess/conformance/jest'
import { describe, test } from '@jest/globals'
testStore({ adapter, options: ({ scope }) => ({ scope }), backend: 'in-process' }, { describe, test })
`

/** Runs Jest on a test, in a package of this type. The output is what a terminal would show. */
async function jest(tool: string, options: { type?: string; file: string; text: string; node?: readonly string[] }) {
  const path = (...names: readonly string[]) => toolPath(tool, ...names)
  const { type = 'commonjs', file, text, node = [] } = options
  const config = {
    testTimeout: 60_000,
    moduleNameMapper: { '^@jest/globals$': path('@jest/globals') },
    transform: {
      '\\.ts$': [path('ts-jest'), { diagnostics: false, tsconfig: { module: 'commonjs', esModuleInterop: true } }],
      ...(type === 'commonjs' && { '\\.js$': [path('babel-jest'), { presets: [path('@babel/preset-env')] }] }),
    },
  }
  const project = Project.withPackages().write({
    'package.json': JSON.stringify({ type }),
    'jest.config.json': JSON.stringify(config),
    [file]: text,
  })
  const ran = await project.node(...node, path('jest/bin/jest.js'), '--config', 'jest.config.json', '--rootDir', '.')
  return `${ran.code === 0 ? 'passed' : 'failed'}\n${ran.stdout}${ran.stderr}`
}

describe.each(['jest-29', 'jest-30'])('%s', (tool) => {
  it.each([
    ['babel', 'application.test.js'],
    ['ts-jest', 'application.test.ts'],
  ])('without flags, compiled by %s: loads core, adapters by name and passed in', async (_, file) => {
    expect(await jest(tool, { file, text: APPLICATION })).toMatch(/^passed[^]+Tests: +6 passed, 6 total/)
  })

  it('without flags: runs the suite', async () => {
    expect(await jest(tool, { file: 'suite.test.js', text: SUITE })).toMatch(
      /^passed[^]+Tests: +\d+ skipped, \d+ passed/,
    )
  })

  it('with --experimental-vm-modules: loads core, adapters by name and passed in', async () => {
    const node = ['--experimental-vm-modules', '--no-warnings']
    expect(await jest(tool, { type: 'module', file: 'application.test.js', text: APPLICATION, node })).toMatch(
      /^passed[^]+Tests: +6 passed, 6 total/,
    )
  })
})
