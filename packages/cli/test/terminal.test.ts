import { channel } from 'node:diagnostics_channel'
import { PassThrough, Writable } from 'node:stream'
import type { Finding } from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { main } from '../dist/command.js'
import { countingEnds } from '../dist/commands/revoke.js'
import { interrupted } from '../dist/failure.js'
import { readSecretly } from '../dist/input.js'
import { Progress } from '../dist/progress.js'
import { Application, SECRET, Text } from './support.ts'

/** What a terminal gets. */
class Terminal extends Text {
  readonly isTTY = true
  readonly #colours: boolean

  constructor(colours = true) {
    super()
    this.#colours = colours
  }

  hasColors(): boolean {
    return this.#colours
  }

  /** What is on the last line once everything has been written. */
  get line(): string {
    return this.text.split('\r\u001B[K').at(-1) ?? ''
  }
}

/** Work that ends when the test says so. */
function work(result: string): { readonly promise: Promise<string>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<string>((done) => (resolve = () => done(result)))
  return { promise, resolve }
}

describe('progress', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('shows what the command waits for, at once and then with the seconds, until the work is done', async () => {
    const terminal = new Terminal()
    const { promise, resolve } = work('done')
    const working = new Progress(terminal).during('Checking the store', () => promise)
    expect(terminal.line).toBe('Checking the store…')
    await vi.advanceTimersByTimeAsync(3100)
    expect(terminal.line).toBe('Checking the store… 3 s')
    resolve()
    expect(await working).toBe('done')
    expect(terminal.line).toBe('')
  })

  it('goes away when the work fails, and shows nothing any more', async () => {
    const terminal = new Terminal()
    await expect(new Progress(terminal).during('Checking', () => Promise.reject(new Error('down')))).rejects.toThrow(
      'down',
    )
    const { text } = terminal
    await vi.advanceTimersByTimeAsync(1000)
    expect(terminal.text).toBe(text)
    expect(terminal.line).toBe('')
  })

  it('counts the sessions that have ended', async () => {
    const terminal = new Terminal()
    const { promise, resolve } = work('done')
    const working = countingEnds((ended) =>
      new Progress(terminal).during(
        'Ending',
        () => promise,
        () => ` ${ended()} ended`,
      ),
    )
    for (let ended = 0; ended < 3; ended++) channel('sess.end').publish({ reason: 'revoked' })
    await vi.advanceTimersByTimeAsync(200)
    expect(terminal.line).toBe('Ending… 3 ended')
    resolve()
    await working
    expect(channel('sess.end').hasSubscribers).toBe(false)
  })

  it.each([
    ['no terminal', new Text()],
    ['nothing', undefined],
  ])('is not shown on %s', async (_, output) => {
    expect(await new Progress(output).during('Checking', async () => 'done')).toBe('done')
    expect(output?.text ?? '').toBe('')
  })
})

describe('on a terminal', () => {
  /** Runs `check` over a store that finds these things. */
  async function check(findings: readonly Finding[], { args = '', terminal = new Terminal() } = {}) {
    const app = new Application({ name: 'memory' }).write(
      'found.mjs',
      `import { sessions } from '@sess/core'
       import { createAdapterContext } from '@sess/core/adapter'
       import memory from '@sess/adapter-memory'
       const store = memory({}, createAdapterContext({ secret: '${SECRET}' }))
       store.check = async () => ${JSON.stringify(findings)}
       export const sess = sessions(store, { secret: '${SECRET}' })`,
    )
    const progress = new Terminal()
    const code = await main(['check', '--config', 'found.mjs', ...args.split(' ').filter((arg) => arg !== '')], {
      stdin: new PassThrough(),
      stdout: terminal,
      stderr: progress,
      cwd: app.folder.path,
      signal: new AbortController().signal,
    })
    return { code, shown: progress.text, line: progress.line, answer: terminal.text }
  }

  const warning = { code: 'REDIS_EVICTION', severity: 'warning', message: 'Redis may drop sessions.' } as const
  const error = { code: 'STORE_LOSES', severity: 'error', message: 'The store loses sessions.' } as const

  it('check shows progress on standard error, and clears it', async () => {
    const { shown, line } = await check([])
    expect(shown).toContain('Loading the sessions…')
    expect(shown).toContain('Checking the store…')
    expect(line).toBe('')
  })

  it('--json shows no progress, and no colours', async () => {
    const { shown, answer } = await check([error], { args: '--json' })
    expect(shown).toBe('')
    expect(JSON.parse(answer)).toEqual({ findings: [error] })
  })

  it('what check finds is in colour', async () => {
    const { answer } = await check([error, warning])
    expect(answer).toBe(
      `\u001B[31merror\u001B[39m STORE_LOSES: The store loses sessions.\n` +
        `\u001B[33mwarning\u001B[39m REDIS_EVICTION: Redis may drop sessions.\n`,
    )
  })

  it('what check finds is plain on a terminal without colours, as with NO_COLOR', async () => {
    const { answer } = await check([error], { terminal: new Terminal(false) })
    expect(answer).toBe('error STORE_LOSES: The store loses sessions.\n')
  })

  it('check ends with 1 for an error, and with 0 for warnings alone', async () => {
    const codes = [await check([warning, error]), await check([warning])].map(({ code }) => code)
    expect(codes).toEqual([1, 0])
  })
})

it('a signal clears the progress, so that the message stands alone', async () => {
  const app = new Application({ name: 'memory' }).write('hangs.mjs', 'await new Promise(() => {})')
  const [stdout, stderr, stop] = [new Terminal(), new Terminal(), new AbortController()]
  const code = main(['check', '--config', 'hangs.mjs'], {
    stdin: new PassThrough(),
    stdout,
    stderr,
    cwd: app.folder.path,
    signal: stop.signal,
  })
  await vi.waitUntil(() => stderr.line === 'Loading the sessions…')
  stop.abort(interrupted('SIGINT'))
  expect(await code).toBe(130)
  expect(stderr.line).toMatch(/^SIGINT stopped the command\. /)
  expect(stdout.text).toBe('')
})

it('an answer that cannot be written, as to a full disk, ends with 3', async () => {
  const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('ENOSPC')) })
  full.on('error', () => undefined)
  const surroundings = { stdin: new PassThrough(), stderr: new Text(), cwd: '/', signal: new AbortController().signal }
  expect(await main(['secret'], { ...surroundings, stdout: full })).toBe(3)
})

describe('a cookie that is pasted into a terminal', () => {
  /** A keyboard, and what the terminal shows. */
  function keyboard() {
    const modes: boolean[] = []
    const input = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (isRaw: boolean) => void modes.push(isRaw),
    })
    return { input, modes, terminal: new Terminal() }
  }

  it('is not shown', async () => {
    const { input, modes, terminal } = keyboard()
    const reading = readSecretly(input, terminal)
    input.write('sess=a-token\r')
    expect(await reading).toBe('sess=a-token')
    expect(terminal.text).toBe('Paste the cookie and press Enter (it is not shown): \n')
    expect(modes).toEqual([true, false])
  })

  it('may be left out by Ctrl-D', async () => {
    const { input, terminal } = keyboard()
    const reading = readSecretly(input, terminal)
    input.write('\u0004')
    expect(await reading).toBe('')
  })

  it('is given up by Ctrl-C', async () => {
    const { input, modes, terminal } = keyboard()
    const reading = readSecretly(input, terminal)
    input.write('\u0003')
    await expect(reading).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 })
    expect(modes).toEqual([true, false])
  })
})
