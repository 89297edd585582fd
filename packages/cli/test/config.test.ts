import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Application, expectNoSecrets, PASSWORD, type Ran, runHere } from './support.ts'

expectNoSecrets()

/** An application whose module of sessions has this text, and no other module of that kind. */
function withModule(name: string, text: string): Application {
  const app = new Application({ name: 'memory' })
  app.folder.write({ [name]: text })
  return app
}

/** Runs `check` over a module of the application. */
function check({ folder }: Application, ...args: readonly string[]): Promise<Ran> {
  return runHere(folder.path, ['check', ...args])
}

const CALL = `sessions('memory', { secret: 'a secret of the tests, of 32 bytes or more' })`
const IMPORT = `import { sessions } from '@sess/core'`
const REQUIRE = `const { sessions } = require('@sess/core')`

describe('the module', () => {
  it.each([
    ['exports sess', 'a.mjs', `${IMPORT}; export const sess = ${CALL}`, []],
    ['has them as its default export', 'a.mjs', `${IMPORT}; export default ${CALL}`, []],
    ['exports them under another name', 'a.mjs', `${IMPORT}; export const shop = ${CALL}`, ['--export', 'shop']],
    ['is CommonJS, with a name', 'a.cjs', `${REQUIRE}; exports.sess = ${CALL}`, []],
    [
      'is CommonJS, with a name that Node does not see',
      'a.cjs',
      `${REQUIRE}; module.exports = Object.assign({}, { sess: ${CALL} })`,
      [],
    ],
    ['is CommonJS, and is them', 'a.cjs', `${REQUIRE}; module.exports = ${CALL}`, []],
    [
      'is CommonJS, compiled from a default export',
      'a.cjs',
      `${REQUIRE}; exports.__esModule = true; exports.default = ${CALL}`,
      [],
    ],
    ['waits for something first', 'a.mjs', `${IMPORT}; await null; export const sess = ${CALL}`, []],
  ])('%s', async (_, name, text, args) => {
    expect(await check(withModule(name, text), '--config', name, ...args)).toMatchObject({ code: 0, err: '' })
  })

  it.each(['sess.mjs', 'src/sessions.cjs', 'src/lib/sess.mjs', 'server/session.mjs'])(
    'is found as %s',
    async (name) => {
      const text = name.endsWith('.cjs')
        ? `${REQUIRE}; exports.sess = ${CALL}`
        : `${IMPORT}; export const sess = ${CALL}`
      const app = withModule(name, text)
      rmSync(app.folder.at('sessions.mjs'))
      expect(await check(app)).toMatchObject({ code: 0, err: '' })
    },
  )
})

describe('the command ends with 2 and says why', () => {
  it.each([
    ['there is no such file', ['--config', 'nowhere.js'], 'CONFIG_NOT_FOUND', /^There is no file nowhere\.js in /],
    [
      'there is no such file of variables',
      ['--env', 'nowhere'],
      'CONFIG_NOT_FOUND',
      /^The file nowhere of --env cannot be read\. /,
    ],
    ['the module has no such export', ['--export', 'shop'], 'CONFIG_EXPORT', /^sessions\.mjs does not export shop\. /],
  ])('when %s', async (_, args, code, why) => {
    const app = new Application({ name: 'memory' })
    const { code: exitCode, out, err } = await check(app, ...args)
    expect([exitCode, out]).toEqual([2, ''])
    expect(err).toMatch(why)
    const json = await check(app, ...args, '--json')
    expect([json.code, json.err]).toEqual([2, ''])
    expect(JSON.parse(json.out)).toEqual({ error: { code, message: expect.stringMatching(why) } })
  })

  it('when no module is named and none is found', async () => {
    const app = new Application({ name: 'memory' })
    rmSync(app.folder.at('sessions.mjs'))
    expect(await check(app)).toMatchObject({ code: 2, err: expect.stringMatching(/--config src\/sessions\.js/) })
  })

  it.each([
    ['exports nothing', 'export {}', /^a\.mjs does not export sess\. /],
    ['exports something else by default', 'export default function app() {}', /^a\.mjs does not export sess\. /],
    [
      'exports something else as sess',
      'export const sess = { cookie: true }',
      /^The export sess of a\.mjs is not what sessions\(\) returned\. /,
    ],
    ['turns sessions off', `${IMPORT}; export const sess = sessions(false)`, /^Sessions are off: /],
    [
      'throws',
      `\nthrow new Error('the queue is not set up')`,
      /^a\.mjs cannot be loaded \(a\.mjs:2:7\): the queue is not set up\n$/,
    ],
    [
      'throws in a module that it imports',
      `import './b.mjs'`,
      /^a\.mjs cannot be loaded \(b\.mjs:1:7\): b is broken\n$/,
    ],
    [
      'throws what is no error',
      `throw '${PASSWORD}'`,
      /^a\.mjs cannot be loaded: A string was thrown, not an error\.\n$/,
    ],
    [
      'throws with a password in a URL',
      `throw new Error('no answer from redis://app:${PASSWORD}@db:6379/0')`,
      /: no answer from redis:\/\/…@db:6379\/0\n$/,
    ],
    ['has a mistake of syntax', 'export const sess = ;', /^a\.mjs cannot be loaded.*: Unexpected token ';'\n$/],
    [
      'imports what is not installed',
      `import 'not-installed'`,
      /^a\.mjs cannot be loaded.*: Cannot find package 'not-installed'/,
    ],
    [
      'has no secret',
      `${IMPORT}; export const sess = sessions('memory', { secret: undefined })`,
      /^a\.mjs cannot be loaded \(a\.mjs:1:\d+\): Option secret is missing: /,
    ],
    [
      'names an adapter that is not installed',
      `${IMPORT}; export const sess = sessions('shelf', { secret: 'x'.repeat(32) })`,
      /^a\.mjs cannot be loaded \(a\.mjs:1:\d+\): .*sess-adapter-shelf/,
    ],
  ])('when the module %s', async (_, text, why) => {
    const app = withModule('a.mjs', text)
    app.folder.write({ 'b.mjs': `throw new Error('b is broken')` })
    const { code, out, err } = await check(app, '--config', 'a.mjs')
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(why)
  })

  it('and names --env when there is a file .env that was not read', async () => {
    const app = withModule('a.mjs', `throw new Error('no secret')`)
    app.folder.write({ '.env': '' })
    expect((await check(app, '--config', 'a.mjs')).err).toMatch(
      / no secret\nIf it needs the variables of \.env, add --env \.env\.\n$/,
    )
  })

  it.each(['list 1', 'revoke 1'])('when sessions have no owners: %s', async (args) => {
    const { code, err } = await new Application({ name: 'memory' }, {}).run(args)
    expect(code).toBe(2)
    expect(err).toMatch(/^sess\.owner needs the option `owner`/)
  })

  it.each(['check', 'list 1', 'revoke 1', 'inspect', 'prune'])('when sessions are off: %s', async (args) => {
    const app = withModule('off.mjs', `${IMPORT}; export const sess = sessions(false)`)
    const stdin = `sess=${'x'.repeat(64)}`
    const { code, err } = await runHere(app.folder.path, [...args.split(' '), '--config', 'off.mjs'], stdin)
    expect(code).toBe(2)
    expect(err).toMatch(/^Sessions are off: /)
  })
})

const TYPED = `${IMPORT}
export const sess: object = ${CALL}`

/** Whether this Node strips types. */
const stripsTypes = 'typescript' in process.features && process.features.typescript !== false

it('a store that cannot be closed ends the command with 3, after its answer', async () => {
  const app = withModule(
    'a.mjs',
    `import memory from '@sess/adapter-memory'
     ${IMPORT}
     const broken = (options, context) =>
       Object.assign(memory(options, context), { close: () => Promise.reject(new Error('the file is gone')) })
     export const sess = sessions(broken, { secret: 'a secret of the tests, of 32 bytes or more' })`,
  )
  expect(await check(app, '--config', 'a.mjs')).toEqual({
    code: 3,
    out: expect.stringMatching(/^warning MEMORY_UNSHARED: /),
    err: 'The store could not be closed. the file is gone\n',
  })
})

describe('a module in TypeScript', () => {
  const refused = expect.stringMatching(
    /^src\/sess\.ts is TypeScript, which Node [\d.]+ does not load\. Use Node 22\.18 or later, .*'--import tsx'/,
  )

  it('is loaded by a Node that strips types; on another, the command ends with 2 and the error says what to do', async () => {
    const app = withModule('src/sess.ts', TYPED)
    const expected = stripsTypes ? { code: 0 } : { code: 2, err: refused }
    expect(await check(app, '--config', 'src/sess.ts')).toMatchObject(expected)
  })

  it('that needs more than that ends the command with 2, and the error names tsx', async () => {
    const app = withModule('src/sess.ts', `enum Shelf { top }\n${TYPED}`)
    const err = expect.stringContaining('--import tsx')
    expect(await check(app, '--config', 'src/sess.ts')).toMatchObject({ code: 2, err })
  })
})
