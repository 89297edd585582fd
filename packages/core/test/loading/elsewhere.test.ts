import { cpSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Installation } from '../support/installation.js'
import { SECRET } from '../support/secret.js'

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url))

const start = (name: string) => `sessions('${name}', { secret: '${SECRET}' })`

/** An application that calls `sessions` with a name, from ES modules or CommonJS. */
function applicationOf(name: string): Installation {
  return Installation.forTest().write({
    'main.mjs': `import { sessions } from '@sess/core'; ${start(name)}; console.log('started')`,
    'main.cjs': `const { sessions } = require('@sess/core'); ${start(name)}; console.log('started')`,
  })
}

/** Node as on a platform that has turned this off. */
const WITHOUT_REQUIRE_ESM = ['--no-experimental-require-module']

describe('where require() loads no ES modules', () => {
  test.each(['main.mjs', 'main.cjs'])('an adapter with a build for CommonJS is loaded by %s', async (file) => {
    const application = applicationOf('memory').copy('core').copy('adapter-memory')
    const { stdout, stderr } = await application.node([...WITHOUT_REQUIRE_ESM, file])
    expect({ stdout, stderr }).toEqual({ stdout: 'started', stderr: '' })
  })

  test('the error about an ES module says to pass the adapter', async () => {
    const application = applicationOf('foo')
      .copy('core')
      .install('sess-adapter-foo', { 'index.js': 'export default 1' })
    const { stderr } = await application.node([...WITHOUT_REQUIRE_ESM, 'main.cjs'])
    expect(stderr).toContain('ADAPTER_LOAD_FAILED')
    expect(stderr).toContain('it is an ES module, which require() cannot load here. Import it, and pass it')
  })
})

test('a package in NODE_PATH is not found, although require() finds it', async () => {
  const application = applicationOf('foo').copy('core')
  const other = Installation.forTest().install('sess-adapter-foo', { 'index.js': `throw new Error('sprung')` })
  const env = { NODE_PATH: other.at('node_modules') }
  expect((await application.node(['-p', `require.resolve('sess-adapter-foo')`], undefined, env)).failed).toBe(false)
  const { stderr } = await application.node(['main.mjs'], undefined, env)
  expect(stderr).toContain('ADAPTER_NOT_FOUND')
})

describe('core in a bundle', () => {
  /** Core's code is in files of the application, where a bundler would put it. */
  function bundled(name: string): Installation {
    const application = Installation.forTest()
    for (const file of readdirSync(DIST).filter((entry) => entry.endsWith('.js')))
      cpSync(join(DIST, file), application.at('bundle', file))
    return application.write({
      'package.json': '{"name":"shop","type":"module"}',
      'bundle/main.js': `import { sessions } from './index.js'; ${start(name)}; console.log('started')`,
    })
  }

  test.each([
    ['redis', `import redis from '@sess/adapter-redis'; sessions(redis, …)`],
    ['foo', `import adapter from 'sess-adapter-foo'; sessions(adapter, …)`],
    ['@acme/sessions', `import adapter from '@acme/sessions'; sessions(adapter, …)`],
  ])('that finds no adapter %s says to pass it', async (name, line) => {
    const { stderr } = await bundled(name).node(['bundle/main.js'])
    expect(stderr).toContain('ADAPTER_NOT_FOUND')
    expect(stderr).toContain(`pass the adapter instead of its name. ${line}`)
    expect(stderr).not.toContain('npm install')
  })

  test('finds an adapter that is installed next to it', async () => {
    const application = bundled('memory').copy('core').copy('adapter-memory')
    expect((await application.node(['bundle/main.js'])).stdout).toBe('started')
  })
})
