import memory from '@sess/adapter-memory'
import { testStore } from '@sess/conformance/vitest'

testStore({ adapter: memory, options: ({ scope }) => ({ scope }), backend: 'in-process' })
