import { describe, expect, test } from 'vitest'
import { Installation } from '../support/installation.js'
import { SECRET } from '../support/secret.js'

/** An adapter that prints its label and ends the program. */
const adapter = (label: string) => ({
  'index.js': `export default () => { console.log(${JSON.stringify(label)}); process.exit() }`,
})

const START = `try { sessions('foo', { secret: '${SECRET}' }) } catch (error) { console.log(error.code ?? error) }`
const ESM = `import { sessions } from '@sess/core'; ${START}`
const CJS = `const { sessions } = require('@sess/core'); ${START}`

/** An application with @sess/core alone. */
function application(): Installation {
  return Installation.forTest().link('core').write({ 'package.json': '{"type":"module"}' })
}

describe('an adapter is looked for', () => {
  test.each<readonly [where: string, file: string, text: string]>([
    ['an ES module', 'main.js', ESM],
    ['CommonJS', 'main.cjs', CJS],
    ['a module in a folder of the application', 'src/slices/admin/sessions.js', ESM],
    ['a module that was imported later', 'main.js', `await import('@sess/core').then(({ sessions }) => { ${START} })`],
    [
      'a method that calls it for another',
      'main.js',
      `import * as core from '@sess/core'; class A { static sessions = core.sessions.bind(null) }; const { sessions } = A; ${START}`,
    ],
  ])('from the file that calls: %s', async (_, file, text) => {
    const app = application()
      .install('sess-adapter-foo', adapter('found'))
      .write({ [file]: text })
    const elsewhere = Installation.forTest()
    expect((await app.node([app.at(file)], elsewhere.path)).stdout).toBe('found')
  })

  test('first among the packages of the package that calls', async () => {
    const app = application()
      .install('web-kit', { 'index.js': ESM })
      .install('sess-adapter-foo', adapter("the package's"), undefined, 'node_modules/web-kit')
      .install('sess-adapter-foo', adapter("the application's"))
      .write({ 'main.js': `import 'web-kit'` })
    expect((await app.node(['main.js'])).stdout).toBe("the package's")
  })

  test("in the working directory where the package that calls does not have it: that is the application's", async () => {
    const kit = application().write({
      'index.js': ESM,
      'package.json': '{"name":"web-kit","type":"module","exports":"./index.js"}',
    })
    const app = application()
      .symlink(kit.path, 'node_modules', 'web-kit')
      .install('sess-adapter-foo', adapter("the application's"))
      .write({ 'main.js': `import 'web-kit'` })
    expect((await app.node(['main.js'])).stdout).toBe("the application's")
  })

  test.each([
    { installed: ['.'], expected: 'in .' },
    { installed: ['.', 'packages/api'], expected: 'in packages/api' },
    { installed: ['packages/web'], expected: 'ADAPTER_NOT_FOUND' },
  ])('through the folders of a workspace: installed in $installed', async ({ installed, expected }) => {
    const app = application().write({ 'packages/api/src/main.js': ESM })
    for (const folder of installed) app.install('sess-adapter-foo', adapter(`in ${folder}`), undefined, folder)
    expect((await app.node(['packages/api/src/main.js'])).stdout).toBe(expected)
  })

  test('from the calling file rather than the working directory', async () => {
    const app = application().install('sess-adapter-foo', adapter('beside the file')).write({ 'main.js': ESM })
    const elsewhere = Installation.forTest().install('sess-adapter-foo', adapter('in the working directory'))
    expect((await app.node([app.at('main.js')], elsewhere.path)).stdout).toBe('beside the file')
  })

  test.each([
    ['a script', ['--eval', CJS]],
    ['a module', ['--input-type=module', '--eval', ESM]],
  ])('from the working directory where %s is given to --eval', async (_, args) => {
    const app = application().install('sess-adapter-foo', adapter('found'))
    expect((await app.node(args)).stdout).toBe('found')
  })

  test('in the working directory alone, and an error says so, where a script is given to --eval', async () => {
    const app = application()
    const { stderr } = await app.node(['--eval', `require('@sess/core').sessions('foo', { secret: '${SECRET}' })`])
    expect(stderr).toContain(`from ${app.path}/. No adapter is installed there.`)
  })

  test('from the working directory where the calling module is no file', async () => {
    const app = application().install('sess-adapter-foo', adapter('found'))
    const core = JSON.stringify(import.meta.resolve('@sess/core'))
    const module = `import { sessions } from ${core}; ${START}`
    app.write({ 'main.js': `await import('data:text/javascript,' + encodeURIComponent(${JSON.stringify(module)}))` })
    expect((await app.node(['main.js'])).stdout).toBe('found')
  })

  test.each<readonly [what: string, file: string, text: string]>([
    ['import.meta.url', 'lib/main.js', ESM.replace('{ secret', '{ from: import.meta.url, secret')],
    ['__filename', 'lib/main.cjs', CJS.replace('{ secret', '{ from: __filename, secret')],
    ['__dirname', 'lib/main.cjs', CJS.replace('{ secret', '{ from: __dirname, secret')],
  ])('from %s alone where that is given', async (_, file, text) => {
    const app = application()
      .install('sess-adapter-foo', adapter('there'))
      .write({ [file]: text })
    const elsewhere = Installation.forTest().install('sess-adapter-foo', adapter('in the working directory'))
    expect((await app.node([app.at(file)], elsewhere.path)).stdout).toBe('there')
    const without = application().write({ [file]: text })
    expect((await without.node([without.at(file)], elsewhere.path)).stdout).toBe('ADAPTER_NOT_FOUND')
  })
})

describe('in the layout of pnpm, where packages are links into one store', () => {
  /** Core's folder in the pnpm store has another version of the adapter as a peer, which core would resolve itself. */
  function pnpm(main: string): Installation {
    return Installation.forTest()
      .copy('core', 'node_modules/.pnpm/core@1')
      .install('sess-adapter-foo', adapter('beside core'), undefined, 'node_modules/.pnpm/core@1')
      .symlink('../.pnpm/core@1/node_modules/@sess/core', 'node_modules', '@sess', 'core')
      .install('sess-adapter-foo', adapter("the application's"), undefined, 'node_modules/.pnpm/foo@2')
      .write({ [main]: main.endsWith('.cjs') ? CJS : ESM })
  }

  test.each(['main.mjs', 'main.cjs'])('%s: the version of the application is found', async (main) => {
    const app = pnpm(main).symlink('.pnpm/foo@2/node_modules/sess-adapter-foo', 'node_modules', 'sess-adapter-foo')
    expect((await app.node([main])).stdout).toBe("the application's")
  })

  test.each(['main.mjs', 'main.cjs'])('%s: what the application has not installed is not found', async (main) => {
    expect((await pnpm(main).node([main])).stdout).toBe('ADAPTER_NOT_FOUND')
  })
})

describe('an application that sets how stacks are written', () => {
  test('has its adapter found, and its settings left alone', async () => {
    const app = application().install('sess-adapter-foo', {
      'index.js': `export default () => { console.log(Error.stackTraceLimit, Error.prepareStackTrace()); process.exit() }`,
    })
    app.write({
      'main.js': `import { sessions } from '@sess/core'; Error.stackTraceLimit = 0; Error.prepareStackTrace = () => 'mine'; ${START}`,
    })
    expect((await app.node([app.at('main.js')], Installation.forTest().path)).stdout).toBe('0 mine')
  })
})

describe('an error at start', () => {
  const CASES: readonly (readonly [code: string, args: string])[] = [
    ['ADAPTER_NAME', `'../foo', { secret }`],
    ['ADAPTER_NOT_FOUND', `'nowhere', { secret }`],
    ['ADAPTER_LOAD_FAILED', `'broken', { secret }`],
    ['ADAPTER_INVALID', `'empty', { secret }`],
    ['ADAPTER_INVALID', `() => null, { secret }`],
    ['INVALID_OPTION', `undefined, { secret }`],
    ['INVALID_OPTION', `'empty', { secret: undefined }`],
    ['INVALID_OPTION', `false || ''`],
  ]

  function failing(): Installation {
    return application()
      .install('sess-adapter-broken', { 'index.js': `throw new Error('boom')` })
      .install('sess-adapter-empty', { 'index.js': '' })
  }

  test.each([
    ['an ES module', 'main.mjs', `import { sessions } from '@sess/core'`],
    ['CommonJS', 'main.cjs', `const { sessions } = require('@sess/core')`],
  ])("begins its stack at the application's own line, in %s", async (_, main, first) => {
    const lines = [
      `${first}; const secret = '${SECRET}'`,
      `const report = ({ code, stack }) => console.log(code, /^ +at .*?([^/]+:[0-9]+):[0-9]+/m.exec(stack)[1])`,
      ...CASES.map(([, args]) => `try { sessions(${args}) } catch (error) { report(error) }`),
    ]
    const app = failing().write({ [main]: lines.join('\n') })
    const { stdout } = await app.node([main])
    expect(stdout.split('\n')).toEqual(CASES.map(([code], index) => `${code} ${main}:${index + 3}`))
  })

  test('that is not caught ends the program, and says what to do', async () => {
    const app = failing().write({
      'main.js': `import { sessions } from '@sess/core'\nconst secret = '${SECRET}'\nsessions('redis', { secret })`,
    })
    const { failed, stderr } = await app.node(['main.js'])
    expect(failed).toBe(true)
    expect(stderr).toContain("main.js:3\nsessions('redis', { secret })\n^")
    expect(stderr).toContain('npm install @sess/adapter-redis')
    expect(stderr).not.toContain(SECRET)
  })
})

test('openStore looks from the file that calls the class that called it for an application', async () => {
  const kit = `import { openStore } from '@sess/core/adapter'
    export class Kit { constructor(name) { openStore(name, {}, Kit) } }`
  const elsewhere = application().write({
    'index.js': kit,
    'package.json': '{"name":"web-kit","type":"module","exports":"./index.js"}',
  })
  const app = application()
    .symlink(elsewhere.path, 'node_modules', 'web-kit')
    .install('sess-adapter-foo', adapter("the application's"))
    .write({ 'main.js': `import { Kit } from 'web-kit'; new Kit('foo')` })
  expect((await app.node([app.at('main.js')], Installation.forTest().path)).stdout).toBe("the application's")
})
