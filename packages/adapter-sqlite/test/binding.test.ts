import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newFolder } from './stores.js'

const PACKAGE = join(import.meta.dirname, '..')
const MODULES = join(PACKAGE, '../../node_modules')

interface Ran {
  readonly stdout: string
  readonly code: number | string
}

/** Runs an application that uses the adapter, with the better-sqlite3 that `install` puts there. */
async function useWith(install: (folder: string) => void): Promise<Ran> {
  const folder = newFolder()
  const modules = join(folder, 'node_modules')
  const adapter = join(modules, '@sess/adapter-sqlite')
  mkdirSync(adapter, { recursive: true })
  for (const part of ['package.json', 'dist']) cpSync(join(PACKAGE, part), join(adapter, part), { recursive: true })
  symlinkSync(join(PACKAGE, '../core'), join(modules, '@sess/core'))
  symlinkSync(join(MODULES, 'semver'), join(modules, 'semver'))
  install(join(modules, 'better-sqlite3'))
  const program = `
    import { sessions } from '@sess/core'
    try {
      const sess = sessions('sqlite', { secret: 'x'.repeat(32), file: 'sessions.sqlite' })
      const exchange = sess.exchange()
      const session = await exchange.open()
      session.user = 'Ada'
      await exchange.commit(200)
      await sess.close()
      console.log('works')
    } catch (error) {
      console.log(error.code, error.message, error.cause?.message)
    }`
  writeFileSync(join(folder, 'main.mjs'), program)
  return new Promise((resolve) => {
    // NODE_OPTIONS makes the other tests load the better-sqlite3 that suits this Node. This program loads the one
    // above.
    const { NODE_OPTIONS: _, ...env } = process.env
    execFile(process.execPath, ['main.mjs'], { cwd: folder, env }, (error, stdout) =>
      resolve({ stdout: stdout.trim(), code: error?.code ?? error?.signal ?? 0 }),
    )
  })
}

/** Installs a package in the place of better-sqlite3 that runs `use` when a database is opened. */
function fake(manifest: object, use: string) {
  return (folder: string): void => {
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'better-sqlite3', ...manifest }))
    writeFileSync(join(folder, 'index.js'), `module.exports = class Database { constructor() { ${use} } }`)
  }
}

describe('better-sqlite3', () => {
  it('for a later Node is not touched: its binary would end the process', async () => {
    const ran = await useWith(fake({ version: '99.0.0', engines: { node: '>=99' } }, 'process.abort()'))
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(/^ADAPTER_LOAD_FAILED .*99\.0\.0 is for Node >=99, not for Node \d+\.\d+\.\d+\./)
  })

  it('13 works on the Nodes that it is for, and is an error on 20, which it would crash', async () => {
    const ran = await useWith((folder) => symlinkSync(join(MODULES, 'better-sqlite3-13'), folder))
    expect(ran.code).toBe(0)
    const isFor = Number(process.versions.node.split('.')[0]) >= 22
    expect(ran.stdout).toMatch(isFor ? /^works$/ : /^ADAPTER_LOAD_FAILED .*13\.2\.0.* not for Node 20.*12 for Node 20/)
  })

  it('whose binary is missing is an error that says how to get it', async () => {
    const missing = `throw new Error('Could not locate the bindings file. Tried: here and there')`
    const { stdout } = await useWith(fake({ version: '12.0.0' }, missing))
    expect(stdout).toMatch(/^ADAPTER_LOAD_FAILED .*npm install-scripts approve better-sqlite3.*pnpm approve-builds/)
  })

  it('whose binary is of another Node is an error that says how to build it', async () => {
    const other = `throw new Error('The module was compiled against NODE_MODULE_VERSION 1.')`
    const { stdout } = await useWith(fake({ version: '12.0.0', engines: { node: '20.x || >=21' } }, other))
    expect(stdout).toMatch(/^ADAPTER_LOAD_FAILED .*another version of Node.*npm rebuild better-sqlite3.*_VERSION 1\.$/)
  })

  it('that fails otherwise is an error that says why', async () => {
    const { stdout } = await useWith(fake({ version: '12.0.0' }, `throw new Error('no such library: libc')`))
    expect(stdout).toMatch(/^ADAPTER_LOAD_FAILED .*12\.0\.0.*see the cause of this error\. no such library: libc$/)
  })

  it('that is not installed is an error that names it', async () => {
    const { stdout } = await useWith(() => undefined)
    expect(stdout).toMatch(/^ADAPTER_LOAD_FAILED .*it needs better-sqlite3, which is missing/)
  })
})
