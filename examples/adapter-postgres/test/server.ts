import type { Backend } from '@sess/conformance/vitest'
import { afterAll } from 'vitest'
import { startPostgres } from '../../../scripts/servers/postgres.js'

const { address, restart, stop } = await startPostgres()
afterAll(stop)

/** A server for tests only: the suite writes to it and may restart it. */
export const server: Backend & { readonly tcp: string } = { tcp: address, restart }
