import { describe, expect, it } from 'vitest'
import { runNodeTest, runVitest } from './support/runners.ts'
import { SPAWN_TIMEOUT } from './support/spawn.ts'

const FAILING = '1.2 refuses a taken key and leaves its entry untouched'
const LACKING = '1.3 lets one of 50 concurrent creates win, on two instances'

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
    expect(out).toContain('These clauses were not tried in full on the map store:')
  })

  it('fails the case that a broken store breaks, and no other of its section', async () => {
    const { code, results } = await runVitest('broken', { only: '1' })
    const tests = results.testResults.flatMap(({ assertionResults }) => assertionResults)
    const failed = tests.filter(({ status }) => status === 'failed')
    expect([code, failed.map(({ title }) => title)]).toEqual([1, [FAILING]])
    expect(failed[0]?.failureMessages[0]).toMatch(/^ClauseError: clause 1\.2 is broken: /)
  })

  it('fails a case that the store is too slow to decide, with an error of its own', async () => {
    const { code, results } = await runVitest('slow', { only: '2.1' })
    const tests = results.testResults.flatMap(({ assertionResults }) => assertionResults)
    const [message] = tests.find(({ title }) => title.startsWith('2.1 '))?.failureMessages ?? []
    expect([code, message]).toEqual([
      1,
      expect.stringMatching(/^TooSlowError: TOO SLOW: clause 2\.1 was not decided: /),
    ])
  })

  it('skips a case that a store is exempt from, and reports the outcome', async () => {
    const { code, out, results } = await runVitest('lacking', { only: '1.3' })
    const tests = results.testResults.flatMap(({ assertionResults }) => assertionResults)
    expect([code, tests.find(({ title }) => title === LACKING)?.status]).toEqual([0, 'skipped'])
    expect(out).toContain(
      "the store lacks 'atomic', which exempts it from 1.3; the case was run anyway, and it failed: clause 1.3 is broken",
    )
  })
})

describe('@sess/conformance/node-test', { timeout: SPAWN_TIMEOUT }, () => {
  it('ends when the harness closes what keeps the process alive', async () => {
    const { code } = await runNodeTest('holding')
    expect(code).toBe(0)
  })

  it('fails a case that the store is too slow to decide, and says so', async () => {
    const { code, out } = await runNodeTest('slow', { only: '2.1' })
    expect(code).toBe(1)
    expect(out).toContain('TOO SLOW: clause 2.1 was not decided: ')
  })

  it('passes a good store, and skips what does not apply, with the reason', async () => {
    const { code, out, lines } = await runNodeTest('good')
    expect([code, lines.filter((line) => line.includes('not ok'))]).toEqual([0, []])
    expect(lines.filter((line) => !line.includes('# SKIP')).length).toBeGreaterThan(40)
    expect(out).toContain('These clauses were not tried in full on the map store:')
    expect(lines).toContainEqual(
      expect.stringMatching(
        / - 7\.3 reports foreign bytes as CORRUPT and lets destroy remove them # SKIP backend: 'in-process' has no plant$/,
      ),
    )
  })

  it('fails the case that a broken store breaks, and no other of its section', async () => {
    const { code, out, lines } = await runNodeTest('broken', { only: '1' })
    const failed = lines.filter((line) => line.includes('not ok')).map((line) => line.replace(/^ *not ok \d+ - /, ''))
    expect([code, failed]).toEqual([1, [FAILING]])
    expect(out).toMatch(/^ *clause 1\.2 is broken: .*\n *checked: {2}create of a taken key$/m)
  })

  it('skips a case that a store is exempt from, and reports the outcome', async () => {
    const { code, lines } = await runNodeTest('lacking', { only: '1.3' })
    expect(code).toBe(0)
    expect(lines).toContainEqual(
      expect.stringContaining(
        `${LACKING} # SKIP the store lacks 'atomic', which exempts it from 1.3; the case was run anyway, and it failed: clause 1.3 is broken`,
      ),
    )
  })
})
