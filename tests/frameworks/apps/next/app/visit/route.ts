import { sess } from '@/lib/session'

export const POST = sess.route(async () => {
  const session = await sess()
  return new Response(`Visit number ${session.update('visits', (n = 0) => n + 1)}`)
})
