import type { APIRoute } from 'astro'

export const POST: APIRoute = async ({ locals, redirect }) => {
  const session = await locals.session()
  session.destroy()
  session.notice = 'You are logged out.' // in a new session
  return redirect('/', 303)
}
