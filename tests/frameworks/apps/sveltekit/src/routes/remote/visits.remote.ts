import { command, getRequestEvent, query } from '$app/server'

export const getVisits = query(async () => {
  const session = await getRequestEvent().locals.session()
  return session.visits ?? 0
})

export const addVisit = command('unchecked', async (fails: boolean) => {
  const session = await getRequestEvent().locals.session()
  session.update('visits', (n = 0) => n + 1)
  if (fails) throw new Error('This command fails.')
  await getVisits().refresh()
})
