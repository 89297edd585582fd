import { expect, it } from 'vitest'
import { attempt } from './support/command.ts'
import { Project } from './support/project.ts'

it('npx sess is the command of @sess/cli, once that is installed', async () => {
  const project = Project.forTest()
    .manifest({ type: 'module' })
    .write({
      'sess.js': `import { sessions } from '@sess/core'
      export const sess = sessions('memory', { secret: process.env.SESSION_SECRET })`,
    })
  await project.install('@sess/core', '@sess/adapter-memory')
  await project.install('--save-dev', '@sess/cli')
  const npx = (...args: readonly string[]) => attempt('npx', ['--no', 'sess', ...args], project.path)
  const { stdout: secret } = await npx('secret')
  expect(secret).toMatch(/^[\w-]{43}\n$/)
  project.write({ '.env': `SESSION_SECRET=${secret}` })
  expect(await npx('check')).toMatchObject({ code: 2, stdout: '' })
  expect(await npx('check', '--env', '.env', '--json')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"code": "MEMORY_UNSHARED"'),
  })
})
