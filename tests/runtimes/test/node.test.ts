import { describe, expect, it } from 'vitest'
import { Project, SECRET } from './support/project.ts'

const START = `for (const name of ['cookie', 'memory', 'redis', 'memcache'])
  void sessions(name, { secret: '${SECRET}' }).close().then(() => console.log(name))`

const STARTED = ['cookie', 'memcache', 'memory', 'redis']

/** Node as AWS Lambda and Vercel configure it, and as it is. */
const FLAGS = [['--no-experimental-require-module'], []]

describe.each(FLAGS)('Node with %s', (...flags) => {
  it.each([
    ['main.mjs', `import { sessions } from '@sess/core'\n${START}`],
    ['main.cjs', `const { sessions } = require('@sess/core')\n${START}`],
  ])('%s loads adapters by name', async (file, text) => {
    const { stdout, stderr } = await Project.withPackages()
      .write({ [file]: text })
      .node(...flags, file)
    expect({ started: stdout.trim().split('\n').toSorted(), stderr }).toEqual({ started: STARTED, stderr: '' })
  })
})

it('import and require give one copy of each package', async () => {
  const project = Project.withPackages().write({
    'main.mjs': `import { createRequire } from 'node:module'
      const require = createRequire(import.meta.url)
      const names = ['core', 'core/adapter', 'core/testing', 'adapter-memory', 'conformance'].map((name) => '@sess/' + name)
      for (const name of names) {
        const [required, imported] = [require(name), await import(name)]
        console.log(name, Object.keys(imported).every((key) => required[key] === imported[key]))
      }`,
  })
  const { stdout } = await project.node('main.mjs')
  expect(stdout.match(/ true$/gm)).toHaveLength(5)
})

describe('an adapter that is an ES module alone, as the template builds it', () => {
  const run = (store: string, ...flags: readonly string[]) =>
    Project.withPackages()
      .write({
        'node_modules/sess-adapter-alone/package.json': '{ "type": "module", "exports": "./index.js" }',
        'node_modules/sess-adapter-alone/index.js': "export { default } from '@sess/adapter-memory'",
        'main.mjs': `import { sessions } from '@sess/core'
          ${store}
          await sess.close()
          console.log('started')`,
      })
      .node(...flags, 'main.mjs')
  const byName = `const sess = sessions('alone', { secret: '${SECRET}' })`
  const passedIn = `import alone from 'sess-adapter-alone'; const sess = sessions(alone, { secret: '${SECRET}' })`

  it('is found by name', async () => {
    expect(await run(byName)).toMatchObject({ stdout: 'started\n' })
  })

  it('has to be passed in where require loads no ES modules, and the error says so', async () => {
    const [flags = []] = FLAGS
    const { stderr } = await run(byName, ...flags)
    expect(stderr).toContain('ADAPTER_LOAD_FAILED')
    expect(stderr).toContain('Import it, and pass it instead of its name')
    expect(await run(passedIn, ...flags)).toMatchObject({ stdout: 'started\n', stderr: '' })
  })
})
