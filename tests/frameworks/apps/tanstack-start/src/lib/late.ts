import { createServerFn } from '@tanstack/react-start'
import { released } from './release'

/** Reads the session, and changes it after the response has begun. */
export const getLate = createServerFn().handler(async ({ context }) => {
  const session = await context.session()
  await released()
  try {
    session.visits = 100
    return 'changed'
  } catch (error) {
    return `${session.user} ${error instanceof Error && 'code' in error ? error.code : error}`
  }
})
