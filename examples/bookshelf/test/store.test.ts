import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { SECRET, ServerProcess } from './bookshelf.js'
import { Browser } from './browser.js'

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

const TOGETHER = 50

/** The memory store, except that it answers its first reads all at once, so that each visit sees the same session. */
const ADAPTER = `
import memory from '@sess/adapter-memory'

export default function gathering({ together, ...options }, context) {
  const store = memory(options, context)
  let reads = 0
  let answer
  const all = new Promise((resolve) => (answer = resolve))
  return {
    ...store,
    async read(key) {
      const found = await store.read(key)
      if (++reads === together) answer()
      await all
      return found
    },
  }
}
`

/** A folder with an installed adapter called `gathering`. */
function installed(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sess-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const adapter = join(folder, 'node_modules/sess-adapter-gathering')
  mkdirSync(adapter, { recursive: true })
  writeFileSync(join(adapter, 'package.json'), '{"type":"module","exports":"./index.js"}')
  writeFileSync(join(adapter, 'index.js'), ADAPTER)
  symlinkSync(join(MODULES, '@sess'), join(folder, 'node_modules/@sess'))
  return folder
}

it('counts every one of many visits at once, on a store of another author that is named in the environment', async () => {
  const env = {
    SESSION_SECRET: SECRET,
    SESSION_STORE: 'gathering',
    SESSION_OPTIONS: JSON.stringify({ together: TOGETHER }),
  }
  const browser = new Browser(await new ServerProcess(env, installed()).origin())
  await browser.page('/')
  await Promise.all(Array.from({ length: TOGETHER }, () => browser.page('/')))
  expect((await browser.page('/')).visits).toBe(TOGETHER + 2)
})
