/** A stream to a server: a socket, say. */
interface Corkable {
  cork(): void
  uncork(): void
}

/** How often each stream is written to in this turn. */
const writes = new Map<Corkable, number>()

/**
 * To be called before each write to `stream`: the first in a turn of the event loop goes at once, and the others go
 * together at the turn's end. A write to a socket is the dearest part of a call, and replies that arrive together
 * let many requests go on at once.
 */
export function gatherWrites(stream: Corkable): void {
  if (writes.size === 0) process.nextTick(release)
  const count = (writes.get(stream) ?? 0) + 1
  writes.set(stream, count)
  if (count === 2) stream.cork()
}

function release(): void {
  for (const [stream, count] of writes) if (count > 1) stream.uncork()
  writes.clear()
}
