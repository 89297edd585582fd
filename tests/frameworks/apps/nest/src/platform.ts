import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'

export const platform = () => (process.env.PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter())
