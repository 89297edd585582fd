import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Installation } from '../../core/test/support/installation.ts'

const FASTIFY = fileURLToPath(new URL('../../../node_modules/fastify', import.meta.url))

const USE = `
  const app = fastify()
  app.register(sessFastify, { sess: sessions('memory', { secret: 'a secret of at least thirty-two bytes' }) })
  app.get('/', async (request) => (await request.session).update('visits', (n = 0) => n + 1))
  app.inject('/').then(({ body }) => console.log(body))`

test.each([
  [
    'main.mjs',
    `import { sessions } from '@sess/core'
     import { sessFastify } from '@sess/fastify'
     import { fastify } from 'fastify'`,
  ],
  [
    'main.cjs',
    `const { sessions } = require('@sess/core')
     const { sessFastify } = require('@sess/fastify')
     const { fastify } = require('fastify')`,
  ],
  [
    'whole.cjs',
    `const { sessions } = require('@sess/core')
     const sessFastify = require('@sess/fastify')
     const { fastify } = require('fastify')`,
  ],
])('an application registers the installed plugin: %s', async (file, imports) => {
  const application = Installation.forTest().copy('core').copy('adapter-memory').copy('fastify')
  application.symlink(FASTIFY, 'node_modules', 'fastify').write({ [file]: imports + USE })
  expect(await application.node([file])).toEqual({ failed: false, stdout: '1', stderr: '' })
})
