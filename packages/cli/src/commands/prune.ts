import type { Sessions } from '@sess/core'
import type { Answer } from '../output.js'

export async function prune(sess: Sessions): Promise<Answer> {
  const removed = await sess.prune()
  const text = removed === 1 ? 'Removed 1 expired entry.' : `Removed ${removed} expired entries.`
  return { code: 0, text, json: { removed } }
}
