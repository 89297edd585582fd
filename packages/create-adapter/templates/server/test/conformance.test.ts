import { testStore } from '@sess/conformance/vitest'
import adapter, { type StoreOptions } from '../src/index.js'

// TODO: where the backend listens, here and in .github/workflows/ci.yml (as one of its services).
const server = process.env['TEST_SERVER'] ?? '127.0.0.1:1234'

testStore<StoreOptions>({
  adapter,
  // The address is the server's, or that of the suite's proxy before it.
  options: ({ scope, address }) => ({ server: address, prefix: `${scope}:` }),
  // TODO: restart, evict and plant, as far as they can be done: the suite then tries more of what it has to.
  backend: { tcp: server },
})
