import { notFound } from 'next/navigation'
import { sess } from '@/lib/session'

/** Changes the session, then throws a 404. */
export const POST = sess.route(async () => {
  const session = await sess()
  session.notice = 'Not here.'
  notFound()
})
