import { createFileRoute } from '@tanstack/react-router'
import { addVisit, failToVisit, logOut } from '../lib/visits'

/** Where a browser calls the server functions. */
export const Route = createFileRoute('/addresses')({
  server: {
    handlers: { GET: () => Response.json({ visit: addVisit.url, fail: failToVisit.url, logOut: logOut.url }) },
  },
})
