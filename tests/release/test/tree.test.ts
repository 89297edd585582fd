import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Document } from '../../../docs/test/support/document.ts'
import { Project } from './support/project.ts'

/** What each row of the page's table installs, in addition to core. */
const ROWS: Readonly<Record<string, readonly string[]>> = {
  'core alone': [],
  cookie: ['@sess/adapter-cookie'],
  memory: ['@sess/adapter-memory'],
  redis: ['@sess/adapter-redis'],
  memcache: ['@sess/adapter-memcache'],
  'sqlite, on Node 20': ['@sess/adapter-sqlite', 'better-sqlite3@12'],
  'sqlite, on Node 22 and later': ['@sess/adapter-sqlite', 'better-sqlite3@13'],
}

const [, section = ''] = new Document('docs/guide/installation.md').prose.split('\n## What is installed\n')
const [table = ''] = section.split('\n## ')
const rows = new Map(
  table
    .split('\n')
    .filter((line) => line.startsWith('| '))
    // Skips the table's header and delimiter rows.
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name = '', ...cells]) => [name, cells] as const),
)

/** The installed packages, as paths in node_modules. */
function packagesIn(project: Project): readonly string[] {
  const { packages }: { packages: object } = JSON.parse(readFileSync(project.at('package-lock.json'), 'utf8'))
  return Object.keys(packages).filter((path) => path !== '')
}

/** The sum of the file sizes in kB, without rounding up to disk blocks, whose size differs between machines. */
function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 1000
}

function dependenciesOf(project: Project, name: string): readonly string[] {
  const { dependencies = {} }: { dependencies?: object } = JSON.parse(
    project.read('node_modules', name, 'package.json'),
  )
  return Object.keys(dependencies)
}

it('the page has a row for each', () => {
  expect([...rows.keys()]).toEqual(Object.keys(ROWS))
})

it.each(Object.entries(ROWS))('what comes with an installation of %s is what the page says', async (row, packages) => {
  const project = Project.forTest().manifest({})
  await project.install('@sess/core', ...packages)
  const installed = packagesIn(project)
  const [adapter = '@sess/core'] = packages
  const size = sizeOf(project.at('node_modules'))
  const [names = '', count, kB] = rows.get(row) ?? []
  expect(names === '' ? [] : names.replaceAll('`', '').split(', ')).toEqual(dependenciesOf(project, adapter))
  // Tolerates changes in the dependencies of other packages.
  expect(Math.abs(installed.length - Number(count))).toBeLessThanOrEqual(installed.length / 5)
  expect(Math.abs(size - Number(kB?.replace(/\D/g, '')))).toBeLessThanOrEqual(size / 5)
  expect(installed.filter((path) => path.includes('@sess/')).length).toBe(row === 'core alone' ? 1 : 2)
})

it('core gives the reason for each of its dependencies, in a line', async () => {
  const reasons = new Document('packages/core/README.md').prose.matchAll(/^- `([\w-]+)`: .+\.$/gm)
  const project = await Project.forTest().manifest({}).install('@sess/core')
  expect([...reasons].map(([, name]) => name)).toEqual(dependenciesOf(project, '@sess/core'))
})
