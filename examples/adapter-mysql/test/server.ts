import type { Backend } from '@sess/conformance/vitest'
import { afterAll } from 'vitest'
import { startMariadb } from '../../../scripts/servers/mariadb.js'

const { address, restart, stop } = await startMariadb()
afterAll(stop)

/** A server for tests only: the suite writes to it and may restart it. */
export const server: Backend & { readonly tcp: string } = { tcp: address, restart }
