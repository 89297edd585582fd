import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Report } from '@sess/conformance'
import { onTestFinished } from 'vitest'
import { type Ran, runNode } from './spawn.ts'

const RUNNERS = fileURLToPath(new URL('../fixtures/runners', import.meta.url))
const FIXTURES = dirname(RUNNERS)
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

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

interface Choice {
  readonly env?: NodeJS.ProcessEnv
  /** The clause or the section of the contract whose cases run: `1.3`, or `1`. Default: all of them. */
  readonly only?: string
}

/** What the titles of a clause's cases, or of a section's, begin with. */
const beginningOf = (only: string): string => `${only.replace('.', '\\.')}${only.includes('.') ? ' ' : '\\.'}`

/** Runs a fixture under vitest. */
export async function runVitest(
  name: string,
  { env = {}, only }: Choice = {},
): Promise<Ran & { readonly results: VitestResults }> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const outputFile = join(folder, 'results.json')
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile=${outputFile}`]
  const pattern = only === undefined ? [] : ['-t', ` ${beginningOf(only)}`]
  const ran = await runNode(
    [vitest, 'run', '--config', 'vitest.config.js', ...reporters, ...pattern, `${name}.vitest.js`],
    { cwd: RUNNERS, env },
  )
  return { ...ran, results: JSON.parse(readFileSync(outputFile, 'utf8')) }
}

/** Runs a fixture under node:test. `lines`: those about cases. Lines about groups have no clause number. */
export async function runNodeTest(
  name: string,
  { env = {}, only }: Choice = {},
): Promise<Ran & { readonly lines: readonly string[] }> {
  const pattern = only === undefined ? [] : [`--test-name-pattern=^${beginningOf(only)}`]
  const ran = await runNode(['--test', '--test-reporter=tap', ...pattern, `${name}.node-test.js`], {
    cwd: RUNNERS,
    env,
  })
  return { ...ran, lines: ran.out.split('\n').filter((line) => /^ *(?:not )?ok \d+ - \d+\.\d+ /.test(line)) }
}

/** The ways to run the cases of a section on a fixture. Each resolves with the titles of those that fail. */
const FAILURES = {
  'the bare command': async (name: string, only: string, env: NodeJS.ProcessEnv) => {
    const { out } = await runNode([CLI, '--json', '--only', only, join(FIXTURES, `${name}.js`)], { env })
    const { outcomes }: Report = JSON.parse(out)
    return outcomes.filter(({ status }) => status === 'broken').map(({ title }) => title)
  },
  'node:test': async (name: string, only: string, env: NodeJS.ProcessEnv) => {
    const { lines } = await runNodeTest(name, { only, env })
    return lines.filter((line) => line.includes('not ok')).map((line) => line.replace(/^ *not ok \d+ - /, ''))
  },
  vitest: async (name: string, only: string, env: NodeJS.ProcessEnv) => {
    const { results } = await runVitest(name, { only, env })
    const tests = results.testResults.flatMap(({ assertionResults }) => assertionResults)
    return tests.filter(({ status }) => status === 'failed').map(({ title }) => title)
  },
}

/** Runs the cases of a section on a fixture. Resolves with the titles of those that fail. */
export function failuresUnder(
  runner: keyof typeof FAILURES,
  name: string,
  only: string,
  env: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  return FAILURES[runner](name, only, env)
}
