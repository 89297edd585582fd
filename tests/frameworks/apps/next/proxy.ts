import { NextResponse } from 'next/server'
import { sess } from '@/lib/session'

export const proxy = sess.proxy(async (request) => {
  const session = await sess()
  const { searchParams } = request.nextUrl
  session.update('seen', (n = 0) => n + 1)
  if (searchParams.has('login')) {
    session.regenerate()
    session.user = 'grace'
  }
  if (searchParams.has('away')) return NextResponse.redirect(new URL('/', request.url))
  if (searchParams.has('fail')) throw new Error('The proxy fails.')
  return undefined
})

export const config = { matcher: ['/through', '/api/through'] }
