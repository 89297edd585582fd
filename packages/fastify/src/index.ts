/**
 * Sessions of `@sess` in Fastify: a plugin that gives `request.session`.
 *
 * @module @sess/fastify
 */
export { sessFastify, sessFastify as default, type SessFastifyOptions, type Visitor } from './plugin.js'
