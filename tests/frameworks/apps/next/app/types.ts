import type { Sessions } from '@sess/core'
import { nextSessions } from '@sess/next'
import { type NextRequest, NextResponse } from 'next/server'
import { sess } from '@/lib/session'

// What must compile, and what must not: `next build` checks this file.

export async function typed() {
  const session = await sess()
  const visits: number | undefined = session.visits
  // @ts-expect-error a visitor has no such key
  session.nobody
  // @ts-expect-error a number is no notice
  session.notice = 1
  // @ts-expect-error the session has to be awaited
  sess().user
  // @ts-expect-error an action is a function
  sess.action('log in')
  // @ts-expect-error what sessions() returned is wanted, not its options
  nextSessions({ secret: 'a secret for tests, of 32 bytes or more' })
  return visits
}

const plain: Sessions<{ visits: number; seen: number; user: string; notice: string }> = sess
export const devices = (id: string) => plain.owner(id)

export const named: (name: string, times?: number) => Promise<boolean> = sess.action(
  async (name: string, times = 1) => times > name.length,
)

export const withParameters: (request: NextRequest, context: { params: Promise<{ id: string }> }) => Promise<Response> =
  sess.route(async (request: NextRequest, { params }: { params: Promise<{ id: string }> }) =>
    NextResponse.json({ id: (await params).id, path: request.nextUrl.pathname }),
  )
