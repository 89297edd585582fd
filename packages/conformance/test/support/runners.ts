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

/** Runs a fixture under vitest. */
export async function runVitest(
  name: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Ran & { readonly results: VitestResults }> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const outputFile = join(folder, 'results.json')
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile=${outputFile}`]
  const ran = await runNode([vitest, 'run', '--config', 'vitest.config.js', ...reporters, `${name}.vitest.js`], {
    cwd: RUNNERS,
    env,
  })
  return { ...ran, results: JSON.parse(readFileSync(outputFile, 'utf8')) }
}

/** Runs a fixture under node:test. `lines`: those about cases. Lines about groups have no clause number. */
export async function runNodeTest(
  name: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Ran & { readonly lines: readonly string[] }> {
  const ran = await runNode(['--test', '--test-reporter=tap', `${name}.node-test.js`], { cwd: RUNNERS, env })
  return { ...ran, lines: ran.out.split('\n').filter((line) => /^ *(?:not )?ok \d+ - \d+\.\d+ /.test(line)) }
}

/** The titles of the cases that fail on a fixture, by runner. All cases run. */
export async function failuresUnderEachRunner(name: string, env: NodeJS.ProcessEnv) {
  const [bare, node, vitest] = await Promise.all([
    runNode([CLI, '--json', join(FIXTURES, `${name}.js`)], { env }),
    runNodeTest(name, env),
    runVitest(name, env),
  ])
  const { outcomes }: Report = JSON.parse(bare.out)
  const tests = vitest.results.testResults.flatMap(({ assertionResults }) => assertionResults)
  return {
    'the bare command': outcomes.filter(({ status }) => status === 'broken').map(({ title }) => title),
    'node:test': node.lines
      .filter((line) => line.includes('not ok'))
      .map((line) => line.replace(/^ *not ok \d+ - /, '')),
    vitest: tests.filter(({ status }) => status === 'failed').map(({ title }) => title),
  }
}
