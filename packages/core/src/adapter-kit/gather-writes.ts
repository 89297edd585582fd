/** A stream to a server: a socket, say. */
interface Corkable {
  cork(): void
  uncork(): void
}

/** The streams that were written to in this turn, and those of them that are corked. */
const written: Corkable[] = []
const corked: Corkable[] = []

/**
 * To be called before each write to `stream`: the first in a turn of the event loop goes at once, and the others go
 * together at the turn's end. A write to a socket is the dearest part of a call, and replies that arrive together
 * let many requests go on at once.
 */
export function gatherWrites(stream: Corkable): void {
  if (!written.includes(stream)) {
    if (written.length === 0) process.nextTick(release)
    written.push(stream)
  } else if (!corked.includes(stream)) {
    corked.push(stream)
    stream.cork()
  }
}

function release(): void {
  for (const stream of corked) stream.uncork()
  written.length = 0
  corked.length = 0
}
