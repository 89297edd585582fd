import { createFileRoute } from '@tanstack/react-router'

export const Route = createFileRoute('/fail')({
  server: {
    handlers: {
      POST: async ({ context }) => {
        const session = await context.session()
        session.update('visits', (n = 0) => n + 1)
        throw new Error('This server route fails.')
      },
    },
  },
})
