import { error, redirect } from '@sveltejs/kit'
import type { PageServerLoad } from './$types'

/** Counts a visit, and then gives up. */
export const load: PageServerLoad = async ({ locals, params }) => {
  const session = await locals.session()
  session.update('visits', (n = 0) => n + 1)
  if (params.how === 'with-404') error(404, 'There is nothing here.')
  if (params.how === 'with-503') error(503, 'There is nothing here at the moment.')
  if (params.how === 'with-redirect') redirect(303, '/')
  throw new Error('This page fails.')
}
