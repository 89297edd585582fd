import { createFileRoute, useRouter } from '@tanstack/react-router'
import { useServerFn } from '@tanstack/react-start'
import { addVisit, getPage, logOut } from '../lib/visits'

export const Route = createFileRoute('/')({ loader: () => getPage(), component: Home })

function Home() {
  const { visits, user, notice } = Route.useLoaderData()
  const router = useRouter()
  const visit = useServerFn(addVisit)
  return (
    <main>
      <p>
        {visits} visits by {user}. {notice}
      </p>
      <button onClick={() => visit().then(() => router.invalidate())}>Visit</button>
      <form method="post" action="/login">
        <input name="name" aria-label="Name" autoComplete="username" />
        <input name="password" type="password" aria-label="Password" autoComplete="current-password" />
        <button>Log in</button>
      </form>
      <form method="post" action={logOut.url}>
        <button>Log out</button>
      </form>
    </main>
  )
}
