import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Sessions } from '@sess/core'
import type { Answer } from '../output.js'
import { nobody, type OwnerArgument } from '../owner.js'

/** Ends the sessions of a user: all, or the one of this public name. */
export async function revoke(sess: Sessions, owner: OwnerArgument, id: string | undefined): Promise<Answer> {
  const ended = await sess.owner(owner.id).revoke(id === undefined ? undefined : { id })
  const json = { ownerType: owner.type, ended }
  if (ended > 0) return { code: 0, text: ended === 1 ? 'Ended 1 session.' : `Ended ${ended} sessions.`, json }
  const text = id === undefined ? await nobody(sess, owner) : 'This user has no live session with that id.'
  return { code: 1, text, json }
}

/** Counts the sessions that end, as core reports them, while the work runs. */
export async function countingEnds<T>(work: (ended: () => number) => Promise<T>): Promise<T> {
  let count = 0
  const onEnd = () => void count++
  subscribe('sess.end', onEnd)
  try {
    return await work(() => count)
  } finally {
    unsubscribe('sess.end', onEnd)
  }
}
