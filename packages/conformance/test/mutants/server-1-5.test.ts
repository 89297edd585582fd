import { chapterOf, testMutants } from '../support/mutant-tests.ts'

testMutants('server', (clause) => chapterOf(clause) <= 5)
