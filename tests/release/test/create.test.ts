import { cpSync } from 'node:fs'
import { expect, it } from 'vitest'
import { run } from './support/command.ts'
import { Project } from './support/project.ts'

it('npm create @sess/adapter writes a package that installs, and whose own tests and types pass', async () => {
  const project = Project.forTest()
  // Not the user's cache: npm would run the @sess/create-adapter that it cached for this version before.
  const env = { npm_config_cache: project.at('.cache') }
  const args = ['create', '--yes', '@sess/adapter', 'shelf', '--', '--template', 'memory']
  await run('npm', args, project.path, env)
  const folder = 'sess-adapter-shelf'
  cpSync(project.at('.npmrc'), project.at(folder, '.npmrc'))
  await run('npm', ['install', '--no-audit', '--no-fund'], project.at(folder))
  expect(await run('npm', ['test'], project.at(folder))).toMatch(/Tests +\d+ passed/)
  await run('npm', ['run', 'types'], project.at(folder))
})
