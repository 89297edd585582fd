import { createFileRoute } from '@tanstack/react-router'
import { giveUp } from '../lib/fails'

export const Route = createFileRoute('/fails/$how')({
  loader: ({ params }) => giveUp({ data: params.how }),
  component: () => <p>Nobody sees this.</p>,
})
