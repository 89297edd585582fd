import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Breach, ClauseError, clientClauses, serverClauses } from '@sess/conformance'
import { expect, test } from 'vitest'
import { contractPage } from '../../scripts/contract.js'
import { ROOT } from './support/document.ts'

const page = readFileSync(join(ROOT, 'docs/contract.md'), 'utf8')

test('the page of the contract is what `npm run contract` writes', async () => {
  expect(page).toBe(await contractPage())
})

test.each([...serverClauses, ...clientClauses].map(({ id, says }) => [id, says]))(
  'a store that breaks %s is told where the clause is explained',
  (id, says) => {
    const [, file = '', anchor = ''] =
      /(\S+\.md)#(\S+)/.exec(new ClauseError(id, says, new Breach('', '', '')).message) ?? []
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(`<a id="${anchor}"></a>`)
  },
)
