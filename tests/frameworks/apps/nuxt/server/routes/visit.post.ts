export default defineEventHandler(async (event) => {
  const session = await openSession(event)
  return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
})
