import { testMutants } from '../support/mutant-tests.ts'

testMutants('client', () => true)
