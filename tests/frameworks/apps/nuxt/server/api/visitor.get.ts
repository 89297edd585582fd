export default defineEventHandler(async (event) => {
  const session = await openSession(event)
  const { visits = 0, user = 'a stranger' } = session
  return { visits, user, notice: session.take('notice') }
})
