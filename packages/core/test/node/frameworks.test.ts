import { describe, test } from 'vitest'
import { expectHeld, expectRefused, expectUntouched, expectVaryAlone } from '../support/application.ts'
import { EXPRESS_APPLICATIONS } from '../support/express-applications.ts'
import { FASTIFY_APPLICATIONS, HONO_APPLICATIONS, KOA_APPLICATIONS } from '../support/framework-applications.ts'

describe.each([
  { framework: 'Express', applications: EXPRESS_APPLICATIONS },
  { framework: 'Fastify', applications: FASTIFY_APPLICATIONS },
  { framework: 'Koa', applications: KOA_APPLICATIONS },
  { framework: 'Hono', applications: HONO_APPLICATIONS },
])('$framework', ({ applications }) => {
  describe.each(applications)('$name', (application) => {
    test('is the same where the opened session is not used', async () => expectUntouched(application))
    test('is the same but for Vary where the session is read', async () => expectVaryAlone(application))
    test('waits for a slow store', async () => expectHeld(application))
    test('becomes 503 where the store fails', async () => expectRefused(application))
  })
})
