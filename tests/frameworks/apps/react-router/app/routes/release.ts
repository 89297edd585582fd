import { release } from '../release.server'

export function action() {
  release()
  return new Response()
}
