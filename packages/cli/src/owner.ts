import type { Sessions } from '@sess/core'

/** The argument OWNER: the user's id as the sessions hold it. `1` and `'1'` are two users. */
export interface OwnerArgument {
  readonly id: string | number
  readonly type: 'number' | 'text'
  readonly argument: string
}

/**
 * What JavaScript writes as a number is one, such as `42`. Anything else is a text, such as `a4f1`, `042`, or a number with
 * more digits than JavaScript keeps.
 */
export function ownerOf(argument: string, isText: boolean): OwnerArgument {
  const number = Number(argument)
  return !isText && Number.isFinite(number) && String(number) === argument
    ? { id: number, type: 'number', argument }
    : { id: argument, type: 'text', argument }
}

/** Says that a user has no session, how the id was read, and whether the user whose id is of the other type has some. */
export async function nobody(sess: Sessions, { type, argument }: OwnerArgument): Promise<string> {
  const none = `No sessions. The id was taken as a ${type}`
  const other = ownerOf(argument, type === 'number')
  const { length } = other.type === type ? [] : await sess.owner(other.id).sessions()
  if (length === 0) return `${none}.`
  return `${none}; as a ${other.type} it has ${length}: ${type === 'number' ? 'add' : 'leave out'} --text.`
}
