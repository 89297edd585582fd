import { expect, it } from 'vitest'
import { fileURLToPath } from 'node:url'
import { Project, SECRET } from './support/project.ts'

const DENO = fileURLToPath(new URL('../node_modules/.bin/deno', import.meta.url))

it('Deno is asked for no permission by an adapter that is passed in', async () => {
  const project = Project.withPackages().write({
    'main.js': `import cookie from '@sess/adapter-cookie'
      import { sessions } from '@sess/core'
      const session = await sessions(cookie, { secret: '${SECRET}' }).exchange(null).open()
      session.user = 'ada'
      console.log(session.user)`,
  })
  expect(await project.run(DENO, 'run', '--no-prompt', 'main.js')).toEqual({ code: 0, stdout: 'ada\n', stderr: '' })
})

it('Deno is asked for the right to read by a name', async () => {
  const project = Project.withPackages().write({
    'main.js': `import { sessions } from '@sess/core'
      sessions('memory', { secret: '${SECRET}' })
      console.log('started')`,
  })
  expect(await project.run(DENO, 'run', '--no-prompt', '--allow-read', 'main.js')).toMatchObject({
    stdout: 'started\n',
  })
})

it('Deno is asked for no permission by a missing secret, at start and in a build', async () => {
  const project = Project.withPackages().write({
    'main.js': `import cookie from '@sess/adapter-cookie'
      import { sessions } from '@sess/core'
      sessions(cookie, { secret: undefined })
      console.log('evaluated')`,
  })
  const run = (...args: readonly string[]) => project.run(DENO, 'run', '--no-prompt', 'main.js', ...args)
  expect(await run('build')).toEqual({ code: 0, stdout: 'evaluated\n', stderr: '' })
  expect((await run()).stderr).toContain('Option secret is missing: no secret is set.')
})
