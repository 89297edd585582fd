import { describe, expect, test } from 'vitest'
import { type Answer, ANSWERS } from '../support/answers.ts'
import {
  type Application,
  expectHeld,
  expectRefused,
  expectUntouched,
  expectVaryAlone,
} from '../support/application.ts'
import { Handling } from '../support/served.ts'

/** An application on node:http; `ended` resolves when its handler has ended. */
function nodeApplication({ name, method = 'GET', answer }: Answer): Application & { ended(): Promise<void> } {
  const handlings: Handling<unknown>[] = []
  return {
    name,
    method,
    listener: ({ node }) => {
      const handling = new Handling(async (req, res) => {
        await node(req, res)
        await answer(res, req)
      })
      handlings.push(handling)
      return handling.listener
    },
    ended: async () => {
      for (const handling of handlings) await handling.ended()
    },
  }
}

describe.each(ANSWERS)('$name', (answer) => {
  test('is the same where the opened session is not used', async () => expectUntouched(nodeApplication(answer)))
  test('is the same but for Vary where the session is read', async () => expectVaryAlone(nodeApplication(answer)))
  test('waits for a slow store', async () => expectHeld(nodeApplication(answer)))
  test('becomes 503 where the store fails', async () => expectRefused(nodeApplication(answer)))

  test('lets its handler end where the store fails', async () => {
    const application = nodeApplication(answer)
    await expectRefused(application)
    await expect(application.ended()).resolves.toBeUndefined()
  })
})
