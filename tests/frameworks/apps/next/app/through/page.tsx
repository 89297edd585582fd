import { sess } from '@/lib/session'

/** Shows what the proxy has changed in the same request. */
export default async function Page() {
  const { seen = 0, user = 'a stranger' } = await sess()
  return <p>{`Seen ${seen} times by ${user}.`}</p>
}
