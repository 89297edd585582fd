import type { RequestHandler } from './$types'

export const GET: RequestHandler = async ({ locals }) => {
  const session = await locals.session()
  return new Response(`${session.visits ?? 0}`)
}

export const POST: RequestHandler = async ({ locals }) => {
  const session = await locals.session()
  return new Response(`${session.update('visits', (n = 0) => n + 1)}`)
}
