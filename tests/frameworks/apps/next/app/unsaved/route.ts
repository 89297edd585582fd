import { sess } from '@/lib/session'

/** Forgets to store what it changes. */
export async function POST() {
  const session = await sess()
  session.notice = 'Lost.'
  return new Response('done')
}
