import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../scripts/servers/redis.js'
import { Document, ROOT } from './support/document.ts'
import { workspace } from './support/workspace.ts'

const page = new Document('docs/guide/check.md')
const [outputOfCache = '', outputOfNone = ''] = page.blocks
  .filter(({ use }) => use === 'output')
  .map(({ text }) => text)

/** Runs a program of the page. */
async function run(program: string, url: string) {
  const at = workspace().write(page.files)
  return at.node([program], at.path, { SESSION_SECRET: 'a secret of the tests, of 32 bytes or more', REDIS_URL: url })
}

describe('check.js', () => {
  it('prints what is wrong with a Redis at its default settings that is a cache', async () => {
    const redis = await startRedis({
      args: ['--save', '3600 1', '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
    })
    onTestFinished(() => redis.stop())
    expect(await run('check.js', redis.url)).toMatchObject({ failed: false, stdout: outputOfCache, stderr: '' })
  })

  it('fails, and says why, if Redis is down', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    await redis.kill()
    const stdout = outputOfNone.replace(':6379', `:${redis.port}`)
    expect(await run('check.js', redis.url)).toMatchObject({ failed: true, stdout, stderr: '' })
  })
})

it('prune.js removes nothing from Redis, which does that itself', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  expect(await run('prune.js', redis.url)).toMatchObject({ failed: false, stdout: 'removed 0', stderr: '' })
})

/** The codes that a source has, each once. */
function codesIn(pattern: RegExp, ...paths: readonly string[]): readonly string[] {
  const texts = paths.map((path) => readFileSync(join(ROOT, path), 'utf8'))
  return [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, code = '']) => code)))].toSorted()
}

describe('the table of what check says names each code', () => {
  it('of every store', () => {
    const codes = codesIn(
      /'((?:STORE|SECRET)_[A-Z]+)'/g,
      'packages/core/src/storage/check.ts',
      'packages/core/src/application/application.ts',
    )
    expect(page.rows.filter((row) => row.includes('_')).toSorted()).toEqual(codes)
  })

  it.each([
    ['redis', 'set-up'],
    ['memcache', 'set-up'],
    ['sqlite', 'set-up'],
    ['memory', 'index'],
  ])('of %s', (name, file) => {
    const prefix = name.toUpperCase()
    const { rows } = new Document(`packages/adapter-${name}/README.md`)
    const codes = codesIn(new RegExp(`'(${prefix}_[A-Z_]+)'`, 'g'), `packages/adapter-${name}/src/${file}.ts`)
    expect(codes.length).toBeGreaterThan(0)
    expect(rows.filter((row) => row.startsWith(`${prefix}_`)).toSorted()).toEqual(codes)
  })
})
