import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Failure, interrupted } from './failure.js'
import type { Input, Output } from './surroundings.js'

/** In characters. Servers take less in the headers of a request. */
const MOST = 65_536

const PROMPT = 'Paste the cookie and press Enter (it is not shown): '

/** Reads all of the input, or a line of a terminal, which does not show it. */
export async function readSecretly(input: Input, prompts: Output): Promise<string> {
  if (input.isTTY === true) return readLine(input, prompts)
  let text = ''
  for await (const chunk of input) {
    text += String(chunk)
    if (text.length > MOST) throw new Failure('USAGE', `Standard input has more than ${MOST} characters.`)
  }
  return text
}

async function readLine(input: Input, prompts: Output): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: nowhere, terminal: true })
  prompts.write(PROMPT)
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      lines.once('close', () => resolve(''))
      // The terminal sends the character, and not the signal, while it shows nothing.
      lines.once('SIGINT', () => reject(interrupted('SIGINT')))
    })
  } finally {
    lines.close()
    prompts.write('\n')
  }
}
