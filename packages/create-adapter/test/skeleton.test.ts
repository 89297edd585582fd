import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isNightly } from '../../../scripts/nightly.js'
import { someRedis } from '../../../scripts/servers/given.js'
import { addDependency, create, emptyFolder, runScript, SPAWN_TIMEOUT } from './support.js'

function skeleton(name: string, template: string): string {
  const folder = emptyFolder()
  const { out } = create(folder, name, '--template', template)
  return join(folder, /^ {2}cd (.+)$/m.exec(out)?.[1] ?? '')
}

/** The line of vitest's output that counts the passed tests. */
const counts = (out: string): string => /^ +Tests .*$/m.exec(out)?.[0].trim() ?? ''

const WRITTEN: readonly (readonly [template: string, name: string])[] = [
  ['memory', '@acme/shelf'],
  ['server', 'a-2nd-shelf'],
  ['sql', '@acme/shelf'],
  ...(isNightly ? [['memory', 'shelf'] as const] : []),
]

describe('what is written', { timeout: SPAWN_TIMEOUT }, () => {
  it.each(WRITTEN)('of the template %s, as %s, passes its own lint, types and build', async (template, name) => {
    const folder = skeleton(name, template)
    for (const script of ['lint', 'types', 'build']) {
      const { code, out } = await runScript(folder, script)
      expect([script, code, out]).toEqual([script, 0, expect.anything()])
    }
  })

  it('is really linted and type-checked: the test before this one can fail', async () => {
    const folder = skeleton('shelf', 'server')
    writeFileSync(
      join(folder, 'src/client.ts'),
      'export function connect(server: any): { add: any } { return server }\n',
    )
    const [lint, types] = [await runScript(folder, 'lint'), await runScript(folder, 'types')]
    expect([lint.code, lint.out]).toEqual([1, expect.stringContaining('no-explicit-any')])
    expect([types.code, types.out]).toEqual([1, expect.stringContaining("Property 'get' does not exist")])
  })

  it('of the template memory keeps the contract', async () => {
    const { code, out } = await runScript(skeleton('shelf', 'memory'), 'test')
    expect(code).toBe(0)
    expect(out).toContain('test/conformance.test.ts')
    expect(counts(out)).toMatch(/^Tests {2}[4-9]\d passed \| \d+ skipped/)
  })

  it('of the template server fails the suite until its client is written, and names the file', async () => {
    const { code, err } = await runScript(skeleton('shelf', 'server'), 'test')
    expect(code).toBe(1)
    expect(err).toContain('src/client.ts does not connect to 127.0.0.1:1234 yet: implement connect.')
  })

  it('of the template sql fails the suite until its pool is written, and names the function', async () => {
    const { code, err } = await runScript(skeleton('shelf', 'sql'), 'test')
    expect(code).toBe(1)
    expect(err).toContain('src/index.ts cannot open db: URLs yet: implement openPool.')
  })

  it('of the template server keeps the contract once its client is written', async () => {
    const { url, stop } = await someRedis()
    onTestFinished(stop)
    const folder = skeleton('shelf', 'server')
    copyFileSync(fileURLToPath(new URL('fixtures/redis-client.ts', import.meta.url)), join(folder, 'src/client.ts'))
    addDependency(folder, 'ioredis', '^6.0.0')
    const { code, out } = await runScript(folder, 'test', { TEST_SERVER: new URL(url).host })
    expect([code, counts(out)]).toEqual([0, expect.stringMatching(/^Tests {2}\d{2,3} passed/)])
  })
})
