import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sessions } from '@sess/core'
import { isSessError } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { thrownBy } from '../support/failure.ts'
import { Installation } from '../support/installation.js'
import { SECRET } from '../support/secret.js'

const FIRST_PARTY = ['cookie', 'memory', 'redis', 'memcache', 'sqlite']

/** The code of an adapter that throws its label when called. */
const says = (label: string) => `() => { throw new Error(${JSON.stringify(label)}) }`
const adapter = (label: string) => ({ 'index.js': `export default ${says(label)}` })

/** The label that the adapter of that name threw. */
function said(name: string, from: string | URL): string {
  try {
    sessions(name, { secret: SECRET, from })
  } catch (error) {
    if (error instanceof Error && !isSessError(error)) return error.message
    throw error
  }
  throw new Error('expected an adapter that throws')
}

function failure(name: string, from: string | URL) {
  return thrownBy(() => sessions(name, { secret: SECRET, from }))
}

describe('the package of a name', () => {
  test.each([
    { name: 'foo', installed: ['@sess/adapter-foo', 'sess-adapter-foo'], expected: '@sess/adapter-foo' },
    { name: 'foo', installed: ['sess-adapter-foo', 'foo'], expected: 'sess-adapter-foo' },
    { name: 'f-2-x', installed: ['sess-adapter-f-2-x'], expected: 'sess-adapter-f-2-x' },
    { name: 'constructor', installed: ['sess-adapter-constructor'], expected: 'sess-adapter-constructor' },
    { name: '@acme/sessions', installed: ['@acme/sessions', 'sess-adapter-sessions'], expected: '@acme/sessions' },
    { name: '@acme/my.sessions_2', installed: ['@acme/my.sessions_2'], expected: '@acme/my.sessions_2' },
    { name: '@sess/adapter-foo', installed: ['@sess/adapter-foo'], expected: '@sess/adapter-foo' },
  ])('$name is $expected where $installed are installed', ({ name, installed, expected }) => {
    const application = Installation.forTest()
    for (const each of installed) application.install(each, adapter(each))
    expect(said(name, application.main)).toBe(expected)
  })

  test.each(FIRST_PARTY)('%s is ours alone: a stranger cannot stand in for it', (name) => {
    const stranger = `sess-adapter-${name}`
    const application = Installation.forTest().install(stranger, adapter('stranger'))
    const error = failure(name, application.main)
    expect(error.code).toBe('ADAPTER_NOT_FOUND')
    expect(error.message).not.toContain(stranger)
    expect(error.message).not.toContain('Did you mean')
  })

  test('the next candidate is tried only where there is no package of the first', () => {
    const application = Installation.forTest()
      .install('@sess/adapter-foo', {})
      .install('sess-adapter-foo', adapter('second'))
    expect(failure('foo', application.main).code).toBe('ADAPTER_LOAD_FAILED')
  })

  test.each([
    ['an empty name', '@/x'],
    ['upper case', 'Redis'],
    ['a digit first', '1foo'],
    ['a hyphen first', '-foo'],
    ['blanks', 'red is'],
    ['a line end', 'redis\n'],
    ['a dot', '.'],
    ['an absolute path', '/etc/passwd'],
    ['a relative path', './trap'],
    ['a path upwards', '../trap'],
    ['a path through node_modules', 'foo/../../trap'],
    ['a Windows path', 'C:\\trap'],
    ['a scope and a path upwards', '@sess/../trap'],
    ['a scope and an encoded path upwards', '@sess/%2e%2e/trap'],
    ['a scope and a hidden file', '@sess/.trap'],
    ['a scope alone', '@sess'],
    ['a scope and a blank name', '@sess/'],
    ['a path within a package', 'trap/index.js'],
    ['a path within a scoped package', '@acme/trap/index.js'],
    ['a trailing slash', 'trap/'],
    ['a version', 'trap@1.0.0'],
    ['a builtin module', 'node:fs'],
    ['a subpath import', '#trap'],
    ['an http URL', 'http://127.0.0.1/trap.js'],
    ['a data: URL', 'data:text/javascript,throw new Error("sprung")'],
    ['a package name in another alphabet', 'r\u0435dis'],
    ['an accent', 'é'],
    ['a NUL', 'trap\0'],
    ['a lone surrogate', '\ud800'],
    ['a prototype', '__proto__'],
    ['10 kB', 'a'.repeat(10_240)],
    ['10 kB of scope', `@${'a'.repeat(10_240)}/trap`],
  ])('%s is ADAPTER_NAME, and nothing is loaded', (_, name) => {
    const trap = `require('fs').writeFileSync(__dirname + '/sprung', ''); throw new Error('sprung')`
    const application = Installation.forTest()
      .write({ 'trap/index.js': trap, 'trap.js': trap })
      .install('trap', { 'index.js': trap }, {})
      .install('@acme/trap', { 'index.js': trap }, {})
      .install('Redis', { 'index.js': trap }, {})
      .install('sess-adapter-Redis', { 'index.js': trap }, {})
    const error = failure(name, application.main)
    expect(error.code).toBe('ADAPTER_NAME')
    expect(error.message.length).toBeLessThan(300)
    expect(
      ['trap', 'node_modules/trap', 'node_modules/@acme/trap'].map((at) => existsSync(application.at(at, 'sprung'))),
    ).toEqual([false, false, false])
  })

  test('a file: URL of a module that exists is ADAPTER_NAME', () => {
    const application = Installation.forTest().write({ 'trap.cjs': `throw new Error('sprung')` })
    expect(failure(pathToFileURL(application.at('trap.cjs')).href, application.main).code).toBe('ADAPTER_NAME')
  })

  test.each([
    ["a store's URL", 'redis://user:hunter2@example.org'],
    ['a secret', 'Xk2hunter2v0S8tRz5wQ7yB1nM4cL6jD9fG3aE_pUi'],
  ])('%s given as a name by mistake is not repeated', (_, name) => {
    expect(failure(name, Installation.forTest().main).message).not.toContain('hunter2')
  })
})

describe('the option from', () => {
  test.each([
    ['import.meta.url', (app: Installation) => app.main.href],
    ['import.meta.url with a query', (app: Installation) => `${app.main.href}?t=1`],
    ['a URL', (app: Installation) => app.main],
    ['__filename', (app: Installation) => app.at('main.js')],
    ['a folder', (app: Installation) => app.path],
    ['a folder with a slash', (app: Installation) => `${app.path}/`],
    ["a folder's URL", (app: Installation) => pathToFileURL(app.path)],
    ["a folder's URL with a slash", (app: Installation) => `${pathToFileURL(app.path).href}/`],
    ['a path relative to the working directory', (app: Installation) => relative(process.cwd(), app.path)],
    ['a folder deep inside', (app: Installation) => app.at('src/slices/admin')],
    ['a file that does not exist', (app: Installation) => app.at('src/none.js')],
  ])('may be %s', (_, fromOf) => {
    const application = Installation.forTest()
      .write({ 'main.js': '', 'src/slices/admin/sessions.js': '' })
      .install('sess-adapter-foo', adapter('found'))
    expect(said('foo', fromOf(application))).toBe('found')
  })

  test('may lie in a path of blanks, accents and percent signs', () => {
    const application = Installation.forTest()
      .write({ 'a é %20 #/main.js': '' })
      .install('sess-adapter-foo', adapter('found'))
    expect(said('foo', application.at('a é %20 #', 'main.js'))).toBe('found')
  })

  test('is the only place searched: neither the calling file nor the working directory counts', () => {
    // Both would find the adapter: this file is in the workspace, where it is installed.
    expect(failure('memory', Installation.forTest().main).code).toBe('ADAPTER_NOT_FOUND')
  })

  test('may lie in the package of the adapter itself', () => {
    const application = Installation.forTest().install('sess-adapter-foo', adapter('itself'))
    expect(said('foo', application.at('node_modules/sess-adapter-foo/test/some.test.js'))).toBe('itself')
  })
})

describe('an adapter may be', () => {
  const ESM = `export default ${says('loaded')}`
  const CJS = `module.exports = ${says('loaded')}`
  const TRANSPILED = `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = ${says('loaded')}`
  const WRONG = `throw new Error('the wrong file')`

  test.each<readonly [string, object, Readonly<Record<string, string>>]>([
    ['an ES module', { type: 'module', exports: './index.js' }, { 'index.js': ESM }],
    ['an ES module named .mjs', { exports: './index.mjs' }, { 'index.mjs': ESM }],
    [
      'an ES module that loads others',
      { type: 'module', exports: './index.js' },
      { 'index.js': `export { default } from './lib.js'`, 'lib.js': ESM },
    ],
    ['CommonJS', { exports: './index.js' }, { 'index.js': CJS }],
    ['CommonJS without exports', { main: 'lib/index' }, { 'lib/index.js': CJS }],
    ['CommonJS without exports or main', {}, { 'index.js': CJS }],
    ['an ES module without exports', { type: 'module', main: './lib.js' }, { 'lib.js': ESM }],
    ['CommonJS made by a compiler', { exports: './index.js' }, { 'index.js': TRANSPILED }],
    [
      'CommonJS with its own default',
      { exports: './index.js' },
      { 'index.js': `${CJS}; module.exports.default = module.exports` },
    ],
    [
      'an ES module around CommonJS made by a compiler',
      { exports: './index.mjs' },
      { 'index.mjs': `export { default } from './lib.cjs'`, 'lib.cjs': TRANSPILED },
    ],
    ['exports with require alone', { exports: { '.': { require: './index.cjs' } } }, { 'index.cjs': CJS }],
    ['exports with import alone', { exports: { '.': { import: './index.mjs' } } }, { 'index.mjs': ESM }],
    ['exports with import alone, at the top', { exports: { import: './index.mjs' } }, { 'index.mjs': ESM }],
    ['exports with types first', { exports: { types: './index.d.ts', default: './index.mjs' } }, { 'index.mjs': ESM }],
    [
      'exports for both',
      { exports: { import: './index.mjs', require: './index.cjs' } },
      { 'index.mjs': WRONG, 'index.cjs': CJS },
    ],
    [
      'exports for Node and others',
      { exports: { browser: './web.mjs', deno: './web.mjs', node: './index.mjs', default: './web.mjs' } },
      { 'index.mjs': ESM, 'web.mjs': WRONG },
    ],
  ])('%s', (_, manifest, files) => {
    const application = Installation.forTest().install('sess-adapter-foo', files, manifest)
    expect(said('foo', application.main)).toBe('loaded')
  })

  test('a package that is linked, and finds its dependencies where it really is', () => {
    const store = Installation.forTest()
      .install('client', { 'index.js': `export const label = 'its own client'` })
      .write({ 'foo/index.js': `import { label } from 'client'; export default () => { throw new Error(label) }` })
      .write({ 'foo/package.json': '{"type":"module","exports":"./index.js"}' })
    const application = Installation.forTest()
      .install('client', { 'index.js': `export const label = 'the client of the application'` })
      .symlink(store.at('foo'), 'node_modules', 'sess-adapter-foo')
    expect(said('foo', application.main)).toBe('its own client')
  })

  test('loaded once: the instance that the application imports', async () => {
    const counting = `let made = 0; export default () => { throw new Error(String(++made)) }`
    const application = Installation.forTest().install('sess-adapter-foo', { 'index.js': counting })
    expect(said('foo', application.main)).toBe('1')
    const imported: { default: () => never } = await import(application.at('node_modules/sess-adapter-foo/index.js'))
    expect(() => imported.default()).toThrow('2')
    expect(said('foo', application.path)).toBe('3')
  })
})

describe('an adapter that is not found', () => {
  test('says what was looked for, and from where', () => {
    const application = Installation.forTest()
    const { code, message } = failure('foo', application.main)
    expect(code).toBe('ADAPTER_NOT_FOUND')
    expect(message).toContain('looked for @sess/adapter-foo and sess-adapter-foo')
    expect(message).toContain(`from ${application.at('main.js')}`)
    expect(message).toContain('No adapter is installed there.')
  })

  test('names the calling file and the working directory where from is left out', () => {
    const { message } = thrownBy(() => sessions('nowhere', { secret: SECRET }))
    expect(message).toContain(`from ${import.meta.filename} and ${process.cwd()}`)
  })

  test.each([
    ['reddis', 'redis'],
    ['sqlite3', 'sqlite'],
    ['fooo', 'foo'],
    ['dynamo-bd', 'dynamo-db'],
  ])('%s: the nearest that is installed is proposed', (name, nearest) => {
    const application = Installation.forTest()
    for (const each of ['@sess/adapter-redis', '@sess/adapter-sqlite', 'sess-adapter-foo', 'sess-adapter-dynamo-db'])
      application.install(each, {})
    const { code, message } = failure(name, application.at('src/main.js'))
    expect(code).toBe('ADAPTER_NOT_FOUND')
    expect(message).toContain(`Did you mean '${nearest}'?`)
    expect(message).toContain('Installed: redis, sqlite, dynamo-db, foo.')
  })

  test('nothing is proposed for a name that resembles no other', () => {
    const application = Installation.forTest().install('sess-adapter-foo', {})
    expect(failure('mongodb', application.main).message).not.toContain('Did you mean')
  })

  test.each([...FIRST_PARTY, '@sess/adapter-redis'])('%s comes with the command that installs it', (name) => {
    const own = name.startsWith('@') ? name : `@sess/adapter-${name}`
    expect(failure(name, Installation.forTest().main).message).toContain(`npm install ${own}`)
  })

  test.each(['foo', '@acme/sessions', '@sess/adapter-foo', 'rediss'])(
    '%s, which may be anyone’s, comes with no command',
    (name) => {
      const { code, message } = failure(name, Installation.forTest().main)
      expect(code).toBe('ADAPTER_NOT_FOUND')
      expect(message).not.toMatch(/npm|install /i)
    },
  )

  test('is not found in an unrelated folder or a broken link of its name', () => {
    const application = Installation.forTest()
      .write({ 'sess-adapter-bar/index.js': 'a folder of the application' })
      .symlink('/nowhere', 'node_modules', 'sess-adapter-baz')
    for (const name of ['bar', 'baz']) expect(failure(name, application.main).code).toBe('ADAPTER_NOT_FOUND')
  })
})
