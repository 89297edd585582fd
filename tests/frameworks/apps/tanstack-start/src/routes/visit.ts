import { createFileRoute } from '@tanstack/react-router'

export const Route = createFileRoute('/visit')({
  server: {
    handlers: {
      POST: async ({ context }) => {
        const session = await context.session()
        return new Response(`Visit number ${session.update('visits', (n = 0) => n + 1)}`)
      },
    },
  },
})
