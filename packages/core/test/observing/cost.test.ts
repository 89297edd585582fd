import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { Installation } from '../support/installation.ts'
import { SECRET } from '../support/secret.ts'

const PROGRAM = fileURLToPath(new URL('../support/message-blocks.js', import.meta.url))

/** The places of core's built code that make a message, and how often V8 ran each. */
async function placesRun(
  ...args: readonly string[]
): Promise<readonly { readonly place: string; readonly count: number }[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...args])
  return JSON.parse(stdout)
}

test('where nobody listens, no message is built, by V8’s own count', async () => {
  const places = await placesRun()
  expect(places.length).toBeGreaterThan(15)
  expect(places.filter(({ count }) => count > 0)).toEqual([])
})

test('where somebody listens, the same requests build them: the test before this one can fail', async () => {
  const places = await placesRun('listening')
  expect(places.filter(({ count }) => count > 0).length).toBeGreaterThan(15)
})

const WITHOUT = `const { getBuiltinModule } = process
  process.getBuiltinModule = (name) => (name === 'node:diagnostics_channel' ? undefined : getBuiltinModule(name))`

test('a runtime without the module has sessions, and nobody is told', async () => {
  const application = Installation.forTest().copy('core').copy('adapter-memory')
  application.write({
    'without.mjs': WITHOUT,
    'main.mjs': `import { sessions } from '@sess/core'
      const sess = sessions('memory', { secret: '${SECRET}', owner: 'user' })
      const exchange = sess.exchange(undefined)
      Object.assign(await exchange.open(), { user: 'ada' })
      const [[, line]] = await exchange.commit(200)
      const again = sess.exchange(line.split(';')[0])
      const { user } = await again.open()
      console.log(user, await sess.owner('ada').revoke())
      await sess.close()`,
  })
  const { stdout, stderr } = await application.node(['--import', './without.mjs', 'main.mjs'])
  expect(stderr).toBe('')
  expect(stdout).toBe('ada 1')
})
