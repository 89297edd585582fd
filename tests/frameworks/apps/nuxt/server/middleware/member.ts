export default defineEventHandler(async (event) => {
  if (!event.path.startsWith('/member')) return
  const session = await openSession(event)
  if (session.user !== undefined) return
  session.notice = 'Log in first.'
  return sendRedirect(event, '/', 303)
})
