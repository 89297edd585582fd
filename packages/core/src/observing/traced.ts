import { isSessError, safeCause } from '../error.js'
import type { TracingChannel } from './channels.js'
import type { Growing } from './messages.js'

/** What goes into a message in place of an error. */
type Show = (error: unknown) => unknown

/** An error of another kind may show what the application or a client was working on. */
const show: Show = (error) => (isSessError(error) ? error : safeCause(error))

/**
 * Settles as `work` does, and publishes that as `tracePromise` does, but without the result: it would be the session. Call it
 * only if the channel is traced (`isTraced`). `work` never throws.
 */
export function traced<T>(
  channel: TracingChannel,
  message: Growing<{ readonly error?: unknown }>,
  work: () => Promise<T>,
  shown: Show = show,
): Promise<T> {
  return channel.start.runStores(message, () => {
    const settled = settle(channel, message, work(), shown)
    channel.end.publish(message)
    return settled
  })
}

async function settle<T>(
  { error: errors, asyncStart, asyncEnd }: TracingChannel,
  message: Growing<{ readonly error?: unknown }>,
  work: Promise<T>,
  shown: Show,
): Promise<T> {
  try {
    return await work
  } catch (error) {
    message.error = shown(error)
    errors.publish(message)
    throw error
  } finally {
    asyncStart.publish(message)
    asyncEnd.publish(message)
  }
}
