/** Runs the work for each item, for at most `width` items at the same time. Rejects with the first error, once all have ended. */
export async function inLanes<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const all = [...items]
  const queue = all.values()
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(width, all.length) }, lane))
  for (const outcome of lanes) if (outcome.status === 'rejected') throw outcome.reason
}
