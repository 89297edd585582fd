import { Await, createFileRoute } from '@tanstack/react-router'
import { getLate } from '../lib/late'

export const Route = createFileRoute('/streamed')({ loader: () => ({ late: getLate() }), component: Streamed })

function Streamed() {
  const { late } = Route.useLoaderData()
  return (
    <Await promise={late} fallback={<p>Wait…</p>}>
      {(text) => <p>{text}</p>}
    </Await>
  )
}
