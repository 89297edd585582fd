export default defineEventHandler(async (event) => {
  const { name, password } = await readBody(event)
  if (password !== 'lovelace') throw createError({ statusCode: 401, message: 'Wrong name or password.' })
  const session = await openSession(event)
  session.regenerate()
  session.user = String(name)
  session.notice = `Welcome, ${session.user}.`
  return sendRedirect(event, '/', 303)
})
