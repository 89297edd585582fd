import { describe, expect, it } from 'vitest'
import { Installation } from '../../core/test/support/installation.ts'

const USE = `
  const store = new SessStore('memory')
  store.set('sid', { cookie: {}, one: 1 }, () => store.load('sid', (error, session) => console.log(session.one)))`

describe('an application without express-session', () => {
  it.each([
    ['main.mjs', `import { SessStore } from '@sess/express-session'; ${USE}`],
    ['main.cjs', `const { SessStore } = require('@sess/express-session'); ${USE}`],
  ])('uses the store: %s', async (file, program) => {
    const application = Installation.forTest().copy('core').copy('adapter-memory').copy('express-session')
    application.write({ [file]: program })
    expect(await application.node([file])).toEqual({ failed: false, stdout: '1', stderr: '' })
  })
})

describe('an adapter by its name', () => {
  it('is looked for from the file that makes the store', async () => {
    const kit = Installation.forTest().copy('core').copy('express-session')
    const application = Installation.forTest()
      .symlink(kit.at('node_modules/@sess/express-session'), 'node_modules/@sess/express-session')
      .install('sess-adapter-foo', { 'index.js': `export default () => { console.log('found'); process.exit() }` })
      .write({ 'main.mjs': `import { SessStore } from '@sess/express-session'; new SessStore('foo')` })
    const { stdout } = await application.node([application.at('main.mjs')], kit.path)
    expect(stdout).toBe('found')
  })
})
