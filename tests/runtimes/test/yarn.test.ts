import { beforeEach, describe, expect, it } from 'vitest'
import { Project, SECRET, tarballs, toolPath } from './support/project.ts'

const YARN = toolPath('yarn', '@yarnpkg/cli-dist/bin/yarn.js')

const MAIN = `
  for (const name of ['cookie', 'memory', 'redis']) {
    try {
      sessions(name, { secret: '${SECRET}' })
      console.log(name)
    } catch (error) {
      console.log(error.code, error.message)
    }
  }`

describe("with Yarn's Plug'n'Play", () => {
  let project: Project
  beforeEach(async () => {
    const names = ['@sess/core', '@sess/adapter-cookie', '@sess/adapter-memory'] as const
    const files = tarballs()
    project = Project.elsewhere().write({
      'package.json': JSON.stringify({ dependencies: Object.fromEntries(names.map((name) => [name, files[name]])) }),
      'yarn.lock': '',
      '.yarnrc.yml':
        'nodeLinker: pnp\nenableGlobalCache: false\nenableTelemetry: false\nenableImmutableInstalls: false\n',
      'main.mjs': `import { sessions } from '@sess/core'${MAIN}`,
      'main.cjs': `const { sessions } = require('@sess/core')${MAIN}`,
    })
    expect(await project.node(YARN, 'install')).toMatchObject({ code: 0 })
  })

  it.each(['main.mjs', 'main.cjs'])('%s finds adapters by name, and says which is missing', async (file) => {
    const { stdout } = await project.node(YARN, 'node', file)
    const [cookie, memory, redis] = stdout.split('\n')
    expect([cookie, memory]).toEqual(['cookie', 'memory'])
    expect(redis).toContain('ADAPTER_NOT_FOUND')
    expect(redis).toContain('npm install @sess/adapter-redis')
  })
})
