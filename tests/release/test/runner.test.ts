import { afterAll, beforeAll, expect, describe, it } from 'vitest'
import { Document } from '../../../docs/test/support/document.ts'
import { attempt } from './support/command.ts'
import { expectShown, outputsOf, sectionsOf } from './support/page.ts'
import { Project } from './support/project.ts'

const PAGE = 'packages/conformance/README.md'
const sections = sectionsOf(PAGE)
const { files } = new Document(PAGE)

/** Node 20 uses another reporter if its output is not a terminal. */
const AS_IN_A_TERMINAL = { NODE_OPTIONS: '--test-reporter=spec' }

/** Sections of the page. Each shows a runner: the file, the command, and its output for each of two adapters. */
const RUNNERS = ['With vitest', 'With node:test', 'With Jest', 'On the command line']

let project: Project
beforeAll(async () => {
  project = await new Project()
    .manifest({ type: 'module' })
    .install('@sess/core', '@sess/adapter-memory', '@sess/conformance', 'vitest@4.1.12', 'jest@30.5.2')
  project.write(files)
})
afterAll(() => project.remove())

/** Removes what differs from run to run: durations, and the random versions of entries. */
const lasting = (text: string) =>
  text.replaceAll(/ *\(\d+(?:\.\d+)? ?m?s\)| +\d+(?:\.\d+)? ?m?s\b/g, '').replaceAll(/'[\w-]{12,16}'/g, "'version'")

describe.each(RUNNERS)('%s, from outside of the repository', (heading) => {
  const section = sections.get(heading)
  const command = section?.find(({ language }) => language === 'sh')?.text ?? ''
  const [good, broken] = outputsOf(section)

  /** Runs the command of the page. The output is in the order in which a terminal would show it. */
  async function runOn(name: string) {
    project.write({ 'adapter.js': files[name] ?? '' })
    const { code, stdout } = await attempt('sh', ['-c', `${command} 2>&1`], project.path, AS_IN_A_TERMINAL)
    return { code, output: lasting(stdout).replaceAll(project.path, '/srv/adapter') }
  }

  it('a good adapter passes, as the page shows', async () => {
    const { code, output } = await runOn('adapter.js')
    expect(code).toBe(0)
    expectShown(lasting(good ?? ''), output)
  })

  it('a broken adapter fails, and the clause is named as the page shows', async () => {
    const { code, output } = await runOn('broken.js')
    expect(code).toBe(1)
    expect(output).toContain('clause 3.2 is broken')
    expectShown(lasting(broken ?? ''), output)
  })
})

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

it.skipIf(major > 24 || (major === 24 && minor >= 9))('Jest refuses ES modules, as the page says', async () => {
  const { code, stderr } = await attempt('npx', ['jest', 'jest.test.js'], project.path)
  expect(code).toBe(1)
  const message = 'Must use import to load ES Module'
  expect(stderr).toContain(message)
  expect(new Document(PAGE).prose).toContain(message)
})
