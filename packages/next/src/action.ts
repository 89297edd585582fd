import type { Sessions, Storable } from '@sess/core'
import { isNavigation } from './navigation.js'
import type { Visit, Visits } from './visit.js'

/** Runs a server action, then stores what it has changed. */
export async function act<D extends Storable<D>, R>(
  sess: Sessions<D>,
  visits: Visits<D>,
  action: () => Promise<R>,
): Promise<R> {
  const visit = await visits.current()
  visit.depth++
  let result
  try {
    result = await action()
  } catch (error) {
    await end(sess, visit, !isNavigation(error))
    throw error
  }
  await end(sess, visit, false)
  return result
}

async function end<D extends Storable<D>>(sess: Sessions<D>, visit: Visit<D>, isFailed: boolean): Promise<void> {
  visit.depth--
  if (visit.depth > 0 || !visit.isOpened) return
  const session = await visit.open()
  // What fails stores nothing except a `destroy`.
  if (isFailed) sess.discard(session)
  await session.save()
}
