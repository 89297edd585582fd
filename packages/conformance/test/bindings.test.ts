import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Ran, runNode, SPAWN_TIMEOUT } from './support/spawn.ts'

const RUNNERS = fileURLToPath(new URL('fixtures/runners', import.meta.url))
const FAILING = '1.2 refuses a taken key and leaves its entry untouched'
const LACKING = '1.3 lets one of 50 concurrent creates win, on two instances'

interface VitestResults {
  readonly numFailedTests: number
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

async function runVitest(name: string): Promise<Ran & { readonly results: VitestResults }> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const outputFile = join(folder, 'results.json')
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile=${outputFile}`]
  const ran = await runNode([vitest, 'run', '--config', 'vitest.config.js', ...reporters, `${name}.vitest.js`], RUNNERS)
  return { ...ran, results: JSON.parse(readFileSync(outputFile, 'utf8')) }
}

describe('@sess/conformance/vitest', { timeout: SPAWN_TIMEOUT }, () => {
  it('passes a good store, and skips what does not apply, with the reason', async () => {
    const { code, out, results } = await runVitest('good')
    expect([code, results.numFailedTests]).toEqual([0, 0])
    expect(results.numPassedTests).toBeGreaterThan(40)
    const tests = results.testResults.flatMap(({ assertionResults }) => assertionResults)
    expect(new Set(tests.map(({ ancestorTitles }) => ancestorTitles[0]))).toEqual(
      new Set(['the map store keeps the contract']),
    )
    expect(tests.find(({ title }) => title.startsWith('7.3'))?.status).toBe('skipped')
    expect(out).toContain("backend: 'in-process' has no plant")
  })

  it('fails the case that a broken store breaks, and no other', async () => {
    const { code, results } = await runVitest('broken')
    const tests = results.testResults.flatMap(({ assertionResults }) => assertionResults)
    const failed = tests.filter(({ status }) => status === 'failed')
    expect([code, failed.map(({ title }) => title)]).toEqual([1, [FAILING]])
    expect(failed[0]?.failureMessages[0]).toMatch(/^ClauseError: clause 1\.2 is broken: /)
  })

  it('skips a case that a store is exempt from, and reports the outcome', async () => {
    const { code, out, results } = await runVitest('lacking')
    const tests = results.testResults.flatMap(({ assertionResults }) => assertionResults)
    expect([code, tests.find(({ title }) => title === LACKING)?.status]).toEqual([0, 'skipped'])
    expect(out).toContain(
      "the store lacks 'atomic', which exempts it from 1.3; the case was run anyway, and it failed: clause 1.3 is broken",
    )
  })
})

/** The lines of TAP about cases. Lines about groups have no clause number. */
async function runNodeTest(name: string): Promise<Ran & { readonly lines: readonly string[] }> {
  const ran = await runNode(['--test', '--test-reporter=tap', `${name}.node-test.js`], RUNNERS)
  return { ...ran, lines: ran.out.split('\n').filter((line) => /^ *(?:not )?ok \d+ - \d+\.\d+ /.test(line)) }
}

describe('@sess/conformance/node-test', { timeout: SPAWN_TIMEOUT }, () => {
  it('passes a good store, and skips what does not apply, with the reason', async () => {
    const { code, lines } = await runNodeTest('good')
    expect([code, lines.filter((line) => line.includes('not ok'))]).toEqual([0, []])
    expect(lines.filter((line) => !line.includes('# SKIP')).length).toBeGreaterThan(40)
    expect(lines).toContainEqual(
      expect.stringMatching(
        / - 7\.3 reports foreign bytes as CORRUPT and lets destroy remove them # SKIP backend: 'in-process' has no plant$/,
      ),
    )
  })

  it('fails the case that a broken store breaks, and no other', async () => {
    const { code, out, lines } = await runNodeTest('broken')
    const failed = lines.filter((line) => line.includes('not ok')).map((line) => line.replace(/^ *not ok \d+ - /, ''))
    expect([code, failed]).toEqual([1, [FAILING]])
    expect(out).toMatch(/^ *clause 1\.2 is broken: .*\n *checked: {2}create of a taken key$/m)
  })

  it('skips a case that a store is exempt from, and reports the outcome', async () => {
    const { code, lines } = await runNodeTest('lacking')
    expect(code).toBe(0)
    expect(lines).toContainEqual(
      expect.stringContaining(
        `${LACKING} # SKIP the store lacks 'atomic', which exempts it from 1.3; the case was run anyway, and it failed: clause 1.3 is broken`,
      ),
    )
  })
})
