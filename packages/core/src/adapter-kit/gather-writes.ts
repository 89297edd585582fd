/** A stream to a server, such as a socket. */
interface Corkable {
  cork(): void
  uncork(): void
}

/** The streams that were written to in this turn of the event loop, and those of them that are corked. */
const written: Corkable[] = []
const corked: Corkable[] = []

/**
 * Call it before each write to `stream`. The first write in a turn of the event loop is sent at once; the others are
 * sent together at the end of the turn. A write to a socket is the most expensive part of a call, and replies that
 * arrive together let many requests continue at once. (On Cloudflare Workers, the turn ends before another request runs.)
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
