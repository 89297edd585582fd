import compress from '@fastify/compress'
import formbody from '@fastify/formbody'
import { sessFastify } from '@sess/fastify'
import { fastify } from 'fastify'
import routes from './routes.ts'
import { sess } from './sessions.ts'

export async function buildApp() {
  const app = fastify({ logger: { level: 'error' } })
  await app.register(compress, { threshold: 0 })
  await app.register(formbody)
  await app.register(sessFastify, { sess })
  await app.register(routes)
  return app
}
