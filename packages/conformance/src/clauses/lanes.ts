import { caseContext } from '../stage/case-context.js'

/** How many calls a case makes at once where only their number matters. More would overload a store with few connections. */
const WIDTH = 16
/** The same, if the store was too slow for that. */
const NARROW = 2

/** Calls `act` for each item, a few at once. Resolves with the results, in the order of the items. */
export async function inLanes<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  const lane = async (): Promise<void> => {
    for (const [at, item] of left) results[at] = await act(item)
  }
  const width = caseContext()?.attempt.isCareful === true ? NARROW : WIDTH
  await Promise.all(Array.from({ length: width }, lane))
  return results
}
