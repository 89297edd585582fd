// vitest's globalSetup: before any worker, so that none waits for an installation.
import { findProgram } from './binaries.js'

/**
 * @param {import('./binaries.js').Program} program
 * @param {string | undefined} given to be used instead
 */
async function need(program, given) {
  try {
    await findProgram(program)
  } catch (error) {
    // The tests that need it still fail, and say why.
    if (!given) throw error
  }
}

export async function setup() {
  await need('redis-server', process.env['SESS_REDIS_URL'])
  await need('memcached', process.env['SESS_MEMCACHED_SERVERS'])
  await need('postgres', process.env['SESS_POSTGRES_URL'])
  await need('chromium', process.env['SESS_CHROMIUM'])
}
