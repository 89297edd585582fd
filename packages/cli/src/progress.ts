import type { Output } from './surroundings.js'

const EVERY_MS = 100
const CLEAR = '\r\u001B[K'

/**
 * Shows on a terminal what the command waits for, until the work is done: the text, what has been done so far if that is
 * known, and the seconds that have passed. Anywhere else it shows nothing.
 */
export async function withProgress<T>(
  output: Output | undefined,
  text: string,
  work: () => Promise<T>,
  doneSoFar: () => string = () => '',
): Promise<T> {
  if (output?.isTTY !== true) return work()
  const began = performance.now()
  const show = () => {
    const seconds = Math.floor((performance.now() - began) / 1000)
    output.write(`${CLEAR}${text}…${doneSoFar()}${seconds === 0 ? '' : ` ${seconds} s`}`)
  }
  show()
  const timer = setInterval(show, EVERY_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    output.write(CLEAR)
  }
}
