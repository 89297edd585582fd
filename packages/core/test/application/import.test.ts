import { expect, test } from 'vitest'
import { Installation } from '../support/installation.js'
import { SECRET } from '../support/secret.js'

/** Notes what the packages call that a runtime may lack, or may lack while modules are loaded. */
const WATCH = `import crypto from 'node:crypto'
  import fs from 'node:fs'
  import nodeModule, { syncBuiltinESMExports } from 'node:module'
  globalThis.called = []
  const watch = (object, names) => {
    for (const name of names) {
      const original = object[name]
      object[name] = (...args) => {
        if (new Error().stack.includes('/@sess/')) called.push(name)
        return original.apply(object, args)
      }
    }
  }
  watch(crypto, Object.keys(crypto).filter((name) => name.startsWith('random')))
  watch(fs, Object.keys(fs).filter((name) => name.endsWith('Sync')))
  watch(nodeModule, ['createRequire'])
  syncBuiltinESMExports()`

/** What a program prints that ran after the watch: what was called, and which large modules of Node were loaded. */
async function calledBy(main: string): Promise<unknown> {
  const application = Installation.forTest().copy('core').copy('adapter-cookie').copy('adapter-memory')
  application.write({ 'watch.mjs': WATCH, 'main.mjs': main })
  const { stdout, stderr } = await application.node(['--import', './watch.mjs', 'main.mjs'])
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

const REPORT = `const large = ['http', 'http2', 'net', 'tls', 'child_process', 'worker_threads']
  const loaded = large.filter((name) => process.moduleLoadList.includes('NativeModule ' + name))
  console.log(JSON.stringify({ called, loaded }))`

test('importing core and adapters reads no file, draws no randomness and loads no server', async () => {
  const main = `import '@sess/core'
    import '@sess/core/adapter'
    import '@sess/adapter-cookie'
    import '@sess/adapter-memory'
    ${REPORT}`
  expect(await calledBy(main)).toEqual({ called: [], loaded: [] })
})

test('sessions() with the cookie store passed in does none of it either, so it may be called while modules load', async () => {
  const main = `import { sessions } from '@sess/core'
    import cookie from '@sess/adapter-cookie'
    sessions(cookie, { secret: '${SECRET}' })
    ${REPORT}`
  expect(await calledBy(main)).toEqual({ called: [], loaded: [] })
})

test('the watch sees what a name needs', async () => {
  const main = `import { sessions } from '@sess/core'
    sessions('memory', { secret: '${SECRET}' })
    ${REPORT}`
  expect(await calledBy(main)).toMatchObject({ called: expect.arrayContaining(['createRequire', 'statSync']) })
})
