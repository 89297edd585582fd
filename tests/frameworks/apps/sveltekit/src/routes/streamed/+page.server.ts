import type { Session } from '@sess/core'
import type { Visitor } from '../../lib/server/sess'
import { released } from '../../lib/server/release'
import type { PageServerLoad } from './$types'

export const load: PageServerLoad = async ({ locals }) => {
  const session = await locals.session()
  return { late: late(session) }
}

/** Reads the session, and then changes it, after the response has begun. */
async function late(session: Session<Visitor>): Promise<string> {
  await released()
  try {
    session.visits = 100
    return 'changed'
  } catch (error) {
    return `${session.user} ${error instanceof Error && 'code' in error ? error.code : error}`
  }
}
