export default defineEventHandler(async (event) => {
  const session = await openSession(event)
  session.update('visits', (n = 0) => n + 1)
  throw new Error('This request fails.')
})
