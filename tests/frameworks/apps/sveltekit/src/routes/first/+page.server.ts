import type { PageServerLoad } from './$types'

/** Counts one visit itself, and one more in an endpoint. */
export const load: PageServerLoad = async ({ locals, fetch }) => {
  const session = await locals.session()
  session.update('visits', (n = 0) => n + 1)
  const counted = await fetch('/api/visits', { method: 'POST' })
  const anonymous = await fetch('/api/visits', { credentials: 'omit' })
  return { counted: await counted.text(), anonymous: await anonymous.text(), visits: session.visits }
}
