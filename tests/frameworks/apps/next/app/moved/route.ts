import { redirect } from 'next/navigation'
import { sess } from '@/lib/session'

/** Changes the session, then throws a redirect. */
export const POST = sess.route(async () => {
  const session = await sess()
  session.notice = 'Moved.'
  redirect('/')
})
