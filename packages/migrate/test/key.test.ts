import fastifySecureSessions from '@fastify/secure-session'
import { fastifySecureSession } from '@sess/migrate'
import { expect, it } from 'vitest'
import { Document } from '../../../docs/test/support/document.ts'
import { workspace } from '../../../docs/test/support/workspace.ts'
import { fastifyApplication, write } from './support/application.ts'
import { SECRET } from './support/writers.ts'

const PROGRAM = 'print-key.mjs'
const { files } = new Document('packages/migrate/README.md')

it.each(['sixteen bytes ok', ''])(
  'the program of the README prints the key of a secret, with the salt %j',
  async (salt) => {
    const at = workspace().write({ [PROGRAM]: files[PROGRAM] ?? '' })
    const { stdout } = await at.node([PROGRAM], at.path, { SESSION_SECRET: SECRET, SESSION_SALT: salt })
    const application = await fastifyApplication((app) =>
      app.register(fastifySecureSessions, { secret: SECRET, salt, cookie: { path: '/' } }),
    )
    const jar = await write(application, { user: 'ada' })
    const session = await fastifySecureSession({ key: stdout }).find(jar.valuesOf)
    expect((await session?.read(Date.now()))?.values).toEqual({ user: 'ada' })
  },
)
