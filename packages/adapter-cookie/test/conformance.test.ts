import cookie from '@sess/adapter-cookie'
import { testStore } from '@sess/conformance/vitest'

testStore({ adapter: cookie })
