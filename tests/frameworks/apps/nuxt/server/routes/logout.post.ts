export default defineEventHandler(async (event) => {
  const session = await openSession(event)
  session.destroy()
  session.notice = 'You are logged out.' // in a new session
  return sendRedirect(event, '/', 303)
})
