import { release } from '../../lib/server/release'
import type { RequestHandler } from './$types'

export const POST: RequestHandler = () => {
  release()
  return new Response()
}
