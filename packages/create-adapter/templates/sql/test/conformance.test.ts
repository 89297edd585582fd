import { testStore } from '@sess/conformance/vitest'
import adapter, { type StoreOptions } from '../src/index.js'

// TODO: set the server's address here, and add the server to .github/workflows/ci.yml as a service.
const server = process.env['TEST_SERVER'] ?? '127.0.0.1:1234'

testStore<StoreOptions>({
  adapter,
  // The address of the server, or of the suite's fault proxy in front of it. Each scope is a table.
  options: ({ scope, address }) => ({ url: `db://${address}/test`, table: scope, connections: 4 }),
  // TODO: add restart and plant if you can. The suite skips the cases that need them.
  backend: { tcp: server },
})
