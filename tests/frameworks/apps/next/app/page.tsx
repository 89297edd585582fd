import { count, fail, logIn, logOut, lose } from './actions'
import { sess } from '@/lib/session'
import { Notice } from './notice'

export default async function Page() {
  const { visits = 0, user = 'a stranger', notice = '' } = await sess()
  return (
    <>
      <h1>{`${visits} visits by ${user}. ${notice}`}</h1>
      {notice && <Notice text={notice} />}
      <form
        action={async () => {
          'use server'
          await count()
        }}
        id="count"
      >
        <button>Count</button>
      </form>
      <form action={logIn} id="login">
        <input name="name" aria-label="Name" />
        <input name="password" type="password" aria-label="Password" />
        <button>Log in</button>
      </form>
      <form action={logOut} id="logout">
        <button>Log out</button>
      </form>
      <form action={lose} id="lose">
        <button>Lose</button>
      </form>
      <form action={fail} id="fail">
        <button>Fail</button>
      </form>
    </>
  )
}
