#!/usr/bin/env node
import { Console } from 'node:console'
import { writeSync } from 'node:fs'
import { main } from './command.js'
import { endedEarly, interrupted } from './failure.js'
import { failed } from './output.js'

const args = process.argv.slice(2)
const { stdin, stdout, stderr } = process
const stop = new AbortController()
let isOver = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(interrupted(signal)))
// Nothing else catches what the application's module leaves running: its connections, its timers.
process.on('uncaughtException', (error) => stop.abort(error))
// Whoever reads standard output may stop early, as in `sess list 42 | head -1`. The writer learns of other failures.
stdout.on('error', () => undefined)
stderr.on('error', () => undefined)
// Standard output is for the answer. What the application's module logs goes to standard error.
globalThis.console = new Console({ stdout: stderr, stderr })

// The application's module may call process.exit(), or await what never comes.
process.once('exit', () => {
  if (isOver) return
  const { code, out, err } = failed(endedEarly(), args)
  writeSync(1, out)
  writeSync(2, err)
  process.exitCode = code
})

// Not `await`: if the process ended early, Node would report that as its own failure.
void main(args, { stdin, stdout, stderr, cwd: process.cwd(), signal: stop.signal }).then((code) => {
  isOver = true
  // What the application's module has opened, such as a server, would keep the process alive.
  process.exit(code)
})
