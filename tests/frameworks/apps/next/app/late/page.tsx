import { connection } from 'next/server'
import { Suspense } from 'react'
import { sess } from '@/lib/session'

async function Late() {
  await connection()
  await new Promise((resolve) => setTimeout(resolve, 50))
  const session = await sess()
  return <p>{session.take('notice')}</p>
}

/** A part that is streamed after the head takes a notice, which it may not. */
export default function Page() {
  return (
    <Suspense fallback={<p>Wait.</p>}>
      <Late />
    </Suspense>
  )
}
