import type { Session } from '@sess/core'
import { Suspense } from 'react'
import { Await } from 'react-router'
import { released } from '../release.server'
import type { Visitor } from '../sess.server'
import { sessionContext } from '../session.server'
import type { Route } from './+types/streamed'

export async function loader({ context }: Route.LoaderArgs) {
  const session = await context.get(sessionContext)()
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

export default function Streamed({ loaderData }: Route.ComponentProps) {
  return (
    <Suspense fallback={<p>Wait…</p>}>
      <Await resolve={loaderData.late}>{(text) => <p>{text}</p>}</Await>
    </Suspense>
  )
}
