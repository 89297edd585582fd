import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../../docs/test/support/document.ts'
import { startRedis } from '../../../scripts/servers/redis.js'
import { run } from './support/command.ts'
import { MANAGERS } from './support/manager.ts'
import { Project } from './support/project.ts'
import { asCommonJs, count, COUNTED, SECRET, STORES, TEN_LINES, tenLines } from './support/ten-lines.ts'

const IS_NODE_20 = process.versions.modules === '115'

const SQLITE = join(ROOT, 'node_modules/better-sqlite3')

/**
 * The binary that this repository installed, as the install script of better-sqlite3 12 would download it: compiling it
 * takes a minute. For any other version than this one, the script does what it does for users.
 */
async function packBinary(folder: string): Promise<void> {
  const { version }: { version: string } = JSON.parse(readFileSync(join(SQLITE, 'package.json'), 'utf8'))
  const { versions, platform, arch } = process
  const file = `better-sqlite3-v${version}-node-v${versions.modules}-${platform}-${arch}.tar.gz`
  await run('tar', ['-czf', join(folder, file), 'build/Release/better_sqlite3.node'], SQLITE)
}

const binaries = mkdtempSync(join(tmpdir(), 'sess-binaries-'))
let redis: Awaited<ReturnType<typeof startRedis>>
beforeAll(async () => {
  redis = await startRedis()
  if (IS_NODE_20) await packBinary(binaries)
})
afterAll(async () => {
  await redis.stop()
  rmSync(binaries, { recursive: true })
})

it('the page has the one line that the tests change', () => {
  expect(TEN_LINES).toContain(STORES.cookie)
})

describe.each(Object.entries(MANAGERS))('in an empty project, with %s,', (_, manager) => {
  let project: Project
  beforeAll(async () => {
    project = new Project().manifest({}).write(await manager.settings())
    await manager.run(project, `${manager.add} @sess/core @sess/adapter-cookie @sess/adapter-redis`)
    for (const store of ['cookie', 'redis', 'sqlite'] as const) {
      const text = tenLines(store)
      project.write({ [`${store}.mjs`]: text, [`${store}.cjs`]: asCommonJs(text) })
    }
  })
  afterAll(() => project.remove())

  const answers = (file: string) => count([...manager.node, file], project.path, { REDIS_URL: redis.url })

  /** The error of the ten lines on sqlite, which do not start. */
  async function refusal(): Promise<string> {
    const { code, stderr } = await project.node([...manager.node, 'sqlite.mjs'], project.path, {
      SESSION_SECRET: SECRET,
    })
    expect(code).toBe(1)
    return /SessError: .+/.exec(stderr)?.[0] ?? stderr
  }

  it.each(['cookie.mjs', 'cookie.cjs', 'redis.mjs', 'redis.cjs'])('the ten lines run as %s', async (file) => {
    const loading = file.endsWith('mjs') ? "from '@sess/core'" : "require('@sess/core')"
    expect(project.read(file)).toContain(loading)
    expect(await answers(file)).toEqual(COUNTED)
  })

  it('a store that is missing is an error with a command that installs it, and then runs', async () => {
    expect(await refusal()).toContain('npm install @sess/adapter-sqlite')
    const env = { npm_config_better_sqlite3_local_prebuilds: binaries }
    await manager.run(project, `${manager.add} @sess/adapter-sqlite`, env)
    if (IS_NODE_20) {
      for (const step of manager.onNode20) {
        expect(await refusal()).toMatch(/The sqlite store needs better-sqlite3.+12/)
        await step(project, env)
      }
    }
    expect(await answers('sqlite.mjs')).toEqual(COUNTED)
    expect(await answers('sqlite.cjs')).toEqual(COUNTED)
  })
})
