import type { Backend } from '@sess/conformance/vitest'
import { afterAll } from 'vitest'
import { startPostgres } from '../../../scripts/servers/postgres.js'

const { address, restart, stop } = await startPostgres()
afterAll(stop)

/** The server that the suite may do anything to. */
export const server: Backend & { readonly tcp: string } = { tcp: address, restart }
