import { createFileRoute } from '@tanstack/react-router'
import { release } from '../lib/release'

export const Route = createFileRoute('/release')({
  server: {
    handlers: {
      POST: () => {
        release()
        return new Response()
      },
    },
  },
})
