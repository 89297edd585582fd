import { testStore } from '@sess/conformance/vitest'
import adapter from '../src/index.js'

testStore({ adapter, options: ({ scope }) => ({ scope }), backend: 'in-process' })
