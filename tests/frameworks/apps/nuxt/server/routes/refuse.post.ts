export default defineEventHandler(async (event) => {
  const session = await openSession(event)
  session.update('visits', (n = 0) => n + 1)
  throw createError({ statusCode: 422, message: 'Not like this.' })
})
