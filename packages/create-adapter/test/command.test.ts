import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sessions } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { readName } from '../dist/name.js'
import { TEMPLATES } from '../dist/skeleton.js'
import { create, emptyFolder, filesIn, SPAWN_TIMEOUT, spawnCli } from './support.js'

const FILES = [
  '.github/workflows/ci.yml',
  '.gitignore',
  '.oxlintrc.json',
  '.prettierignore',
  '.prettierrc.json',
  'README.md',
  'package.json',
  'src/index.ts',
  'test/conformance.test.ts',
  'tsconfig.build.json',
  'tsconfig.json',
]

const SECRET = 'a secret of the tests, of 32 bytes or more'

describe('what is written', () => {
  it('is a package in a new folder, and the command prints the next steps', () => {
    const folder = emptyFolder()
    const { code, out, err } = create(folder, 'shelf')
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('cd sess-adapter-shelf\n')
    expect(readdirSync(folder)).toEqual(['sess-adapter-shelf'])
    expect(Object.keys(filesIn(join(folder, 'sess-adapter-shelf')))).toEqual(FILES)
  })

  it('includes src/client.ts with --template server', () => {
    const folder = emptyFolder()
    const { code } = create(folder, 'shelf', '--template', 'server')
    expect(code).toBe(0)
    expect(Object.keys(filesIn(join(folder, 'sess-adapter-shelf')))).toEqual([...FILES, 'src/client.ts'].toSorted())
  })

  it('includes src/options.ts with --template sql', () => {
    const folder = emptyFolder()
    const { code } = create(folder, 'shelf', '--template', 'sql')
    expect(code).toBe(0)
    expect(Object.keys(filesIn(join(folder, 'sess-adapter-shelf')))).toEqual([...FILES, 'src/options.ts'].toSorted())
  })

  it('goes into an existing empty folder', () => {
    const folder = emptyFolder()
    mkdirSync(join(folder, 'sess-adapter-shelf'))
    expect(create(folder, 'shelf').code).toBe(0)
    expect(existsSync(join(folder, 'sess-adapter-shelf/package.json'))).toBe(true)
  })

  it.each([
    ['shelf', 'sess-adapter-shelf', 'shelf', 'sess-adapter-shelf'],
    ['a-2nd-shelf', 'sess-adapter-a-2nd-shelf', 'a-2nd-shelf', 'sess-adapter-a-2nd-shelf'],
    ['my-placeholder', 'sess-adapter-my-placeholder', 'my-placeholder', 'sess-adapter-my-placeholder'],
    ['@acme/shelf.store', '@acme/shelf.store', '@acme/shelf.store', 'shelf.store'],
    ['@acme/sess-adapter-shelf', '@acme/sess-adapter-shelf', '@acme/sess-adapter-shelf', 'sess-adapter-shelf'],
  ])('is named after %s: package %s, adapter %s, folder %s', (given, packageName, adapter, folderName) => {
    const folder = emptyFolder()
    expect(create(folder, given).code).toBe(0)
    const files = filesIn(join(folder, folderName))
    expect(JSON.parse(files['package.json'] ?? '')).toMatchObject({ name: packageName })
    expect(files['src/index.ts']).toContain(`const NAME = '${adapter}'\n`)
    expect(files['README.md']).toContain(`# ${packageName}\n`)
    expect(files['README.md']).toContain(`sessions('${adapter}', `)
    if (!given.includes('placeholder')) expect(JSON.stringify(files)).not.toContain('placeholder')
  })
})

describe('the README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/^```sh\n(.+?)^```$/gms)].map(([, lines = '']) => lines.trim().split('\n'))

  it.each(blocks.map((lines) => [lines[0] ?? '', lines] as const))('%s works as written', (_, [line = '', next]) => {
    const args = line.replace(/^npm create @sess\/adapter /, '').split(' ')
    const folder = emptyFolder()
    expect(create(folder, ...args.filter((word) => word !== '--'))).toMatchObject({ code: 0, err: '' })
    expect(readdirSync(folder).map((name) => `cd ${name}`)).toEqual([next ?? 'cd sess-adapter-shelf'])
  })

  it('lists every template and every written file', () => {
    const folder = emptyFolder()
    create(folder, 'shelf')
    const cells = [...readme.matchAll(/^\| (`.+?) +\|/gm)].map(([, cell = '']) => cell.replaceAll('`', '').split(', '))
    expect(cells.flat()).toEqual(expect.arrayContaining([...TEMPLATES]))
    const told = [...cells.flat(), 'tsconfig.json', 'tsconfig.build.json', '.gitignore', '.prettierignore']
    expect(told).toEqual(expect.arrayContaining(Object.keys(filesIn(join(folder, 'sess-adapter-shelf')))))
  })
})

describe('a name', () => {
  const right = ['shelf', 'a', 'a-b', 'a1', 'cookies', '@acme/shelf', '@1/2', `a${'b'.repeat(99)}`]
  const wrong = ['', 'Shelf', '1a', '-a', 'a b', 'a/b', '../a', 'a.b', '@acme', '@acme/', '@acme/a/b', '@acme/../a']

  it.each([...right, 'cookie', '@sess/a'])('%j is one that core looks for', (name) => {
    expect(() => sessions(name, { secret: SECRET })).not.toThrow(expect.objectContaining({ code: 'ADAPTER_NAME' }))
  })

  it.each(right)('%j is taken', (name) => {
    expect(readName(name).adapter).toBe(name)
  })

  it.each([...wrong, 'é', `a${'b'.repeat(100)}`, 'https://a:b@host.example/path?and=much&more'])(
    '%j is refused, as by core',
    (name) => {
      expect(() => readName(name)).toThrow(/cannot be the name of an adapter\. A name has .*'shelf'/)
      if (name !== '')
        expect(() => sessions(name, { secret: SECRET })).toThrow(expect.objectContaining({ code: 'ADAPTER_NAME' }))
    },
  )

  const ours = readdirSync(new URL('../../', import.meta.url)).filter((folder) => folder.startsWith('adapter-'))
  it.each(ours.map((folder) => folder.slice('adapter-'.length)))('%j is ours', (name) => {
    expect(() => readName(name)).toThrow(`'${name}' always means @sess/adapter-${name}`)
  })

  it.each([
    ['@sess/adapter-shelf', /@sess\/ is reserved for the adapters of the @sess project/],
    ['sess-adapter-shelf', /Leave out sess-adapter-/],
  ])('%j is refused with the reason', (name, why) => {
    expect(() => readName(name)).toThrow(why)
  })

  it('that is long is not repeated in the error', () => {
    expect(() => readName('https://user:hunter2@host.example/')).not.toThrow(/hunter2/)
  })
})

describe('bad input', () => {
  it.each([
    ['no name', [], /Give the name of one adapter\.\n\nUsage: npm create @sess\/adapter NAME/],
    ['two names', ['shelf', 'rack'], /Give the name of one adapter/],
    ['a bad name', ['../shelf'], /"\.\.\/shelf" cannot be the name of an adapter/],
    ['an unknown template', ['shelf', '--template', 'redis'], /--template must be one of memory, server, sql\.$/m],
    ['a template without a name', ['shelf', '--template'], /--template/],
    ['an unknown flag', ['shelf', '--force'], /--force/],
  ])('%s writes nothing, exits with 1 and reports the reason', (_, args, why) => {
    const folder = emptyFolder()
    const { code, out, err } = create(folder, ...args)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^The skeleton was not written\. /)
    expect(err).toMatch(why)
    expect(err).not.toMatch(/^ +at /m)
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    [
      'a folder with a file in it',
      (path: string) => {
        mkdirSync(path)
        writeFileSync(join(path, 'package.json'), 'mine')
      },
    ],
    [
      'a folder with a hidden file in it',
      (path: string) => {
        mkdirSync(path)
        writeFileSync(join(path, '.env'), 'mine')
      },
    ],
    ['a file', (path: string) => writeFileSync(path, 'mine')],
  ])('overwrites nothing: %s', (_, make) => {
    const folder = emptyFolder()
    make(join(folder, 'sess-adapter-shelf'))
    const before = filesIn(folder)
    const { code, err } = create(folder, 'shelf')
    expect([code, err]).toEqual([1, expect.stringContaining('exists and is not an empty folder')])
    expect(filesIn(folder)).toEqual(before)
  })

  it('does not include --help, which writes nothing and exits with 0', () => {
    const folder = emptyFolder()
    const { code, out, err } = create(folder, '--help', 'shelf')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^Usage: npm create @sess\/adapter NAME/)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('the installed command', { timeout: SPAWN_TIMEOUT }, () => {
  it('writes into the working directory', async () => {
    const folder = emptyFolder()
    expect(await spawnCli(folder, 'shelf')).toEqual(create(emptyFolder(), 'shelf'))
    expect(Object.keys(filesIn(join(folder, 'sess-adapter-shelf')))).toEqual(FILES)
  })

  it('exits with 1 if it writes nothing', async () => {
    const folder = emptyFolder()
    expect(await spawnCli(folder, 'cookie')).toEqual(create(folder, 'cookie'))
    expect(create(folder, 'cookie').code).toBe(1)
  })
})
