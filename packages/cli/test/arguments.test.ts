import { describe, expect, it } from 'vitest'
import { Application, expectNoSecrets, type Ran, runHere } from './support.ts'

expectNoSecrets()

const COMMANDS = ['secret', 'check', 'list', 'revoke', 'inspect', 'prune']

const run = (...args: readonly string[]): Promise<Ran> => runHere('/', args)

describe('sess secret', () => {
  it('prints a secret alone, and another one each time', async () => {
    const ran = [await run('secret'), await run('secret')]
    for (const { code, out, err } of ran) {
      expect([code, err]).toEqual([0, ''])
      expect(out).toMatch(/^[\w-]{43}\n$/)
    }
    expect(ran[0]?.out).not.toBe(ran[1]?.out)
  })
})

describe('the help', () => {
  it.each([['--help'], ['-h'], ['help']])('of %s lists every command and every exit code', async (...args) => {
    const { code, out, err } = await run(...args)
    expect([code, err]).toEqual([0, ''])
    expect([...out.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name)).toEqual([...COMMANDS, 'help'])
    for (const number of [0, 1, 2, 3, 130, 143]) expect(out).toMatch(new RegExp(String.raw`\b${number}\b`))
  })

  it.each(COMMANDS)('of %s names its options', async (command) => {
    const { code, out } = await run('help', command)
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^Usage: sess ${command} `))
    expect(out).toBe((await run(command, '--help')).out)
  })

  it('is printed with 2, as an error, when no command is given', async () => {
    const { code, out, err } = await run()
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^Usage: sess /)
  })
})

it('--version prints the version of the package', async () => {
  expect(await run('--version')).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
})

const TOKEN = 'dG9rZW4'.repeat(10)

describe('a mistake in the arguments ends with 2', () => {
  it.each([
    ['an unknown command', ['lst'], "Unknown command 'lst' (Did you mean list?). See: sess help\n"],
    ['an unknown option', ['check', '--quick'], "Unknown option '--quick'. See: sess help\n"],
    ['no user', ['list'], "Missing required argument 'owner'. See: sess help\n"],
    [
      'two users',
      ['revoke', '1', '2'],
      "Too many arguments for 'revoke'. Expected 1 argument but got 2. See: sess help\n",
    ],
    ['an option without its value', ['revoke', '1', '--id'], "Option '--id <id>' argument missing. See: sess help\n"],
    ['an option of another command', ['prune', '--data'], "Unknown option '--data'. See: sess help\n"],
  ])('%s', async (_, args, err) => {
    expect(await run(...args)).toEqual({ code: 2, out: '', err })
    if (args[0] === 'lst') return
    const { code, out } = await run(...args, '--json')
    expect([code, Object.keys(JSON.parse(out).error)]).toEqual([2, ['code', 'message']])
  })

  it('an empty id of a user', async () => {
    const app = new Application({ name: 'memory' })
    const { code, err } = await runHere(app.folder.path, ['list', ''])
    expect([code, err]).toEqual([2, expect.stringMatching(/a string that is not empty/)])
  })

  it.each([
    ['inspect', TOKEN],
    ['inspect', '--', TOKEN],
    ['inspect', `-${TOKEN}`],
    ['inspect', `--cookie=${TOKEN}`],
    ['inspect', '--cookie', `sess=${TOKEN}`],
  ])('a cookie as an argument, which the message does not repeat: sess %s %s', async (...args) => {
    const { code, out, err } = await run(...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^inspect reads the cookie from standard input, so that neither the history of the shell /)
    expect(err).not.toContain(TOKEN)
  })

  it.each([[TOKEN], ['list', `--cookie=${TOKEN}`], ['check', `-${TOKEN}`]])(
    'a token elsewhere, which the message does not repeat: sess %s',
    async (...args) => {
      const { code, err } = await run(...args)
      expect(code).toBe(2)
      expect(err).not.toContain(TOKEN)
    },
  )
})
