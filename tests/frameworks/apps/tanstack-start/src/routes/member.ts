import { createFileRoute } from '@tanstack/react-router'
import { memberMiddleware } from '../lib/member'

export const Route = createFileRoute('/member')({
  server: {
    middleware: [memberMiddleware],
    handlers: { GET: ({ context }) => new Response(`Hello, ${context.user}.`) },
  },
})
