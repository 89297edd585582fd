import type { APIRoute } from 'astro'
import { release } from '../lib/release'

export const POST: APIRoute = () => {
  release()
  return new Response()
}
