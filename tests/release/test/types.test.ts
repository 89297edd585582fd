import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../../docs/test/support/document.ts'
import { isNightly } from '../../../scripts/nightly.js'
import { REHEARSAL } from './support/command.ts'
import { MANAGERS } from './support/manager.ts'
import { Project } from './support/project.ts'

const TYPESCRIPT_7 = join(ROOT, 'node_modules/typescript/bin/tsc')
const TYPESCRIPT_5 = join(REHEARSAL, 'node_modules/typescript-5/bin/tsc')

const NODENEXT = { module: 'nodenext', moduleResolution: 'nodenext' }
const NODE16 = { module: 'node16', moduleResolution: 'node16' }
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler' }
const COMMONJS = { module: 'commonjs', moduleResolution: 'bundler' }
const NODE10 = { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true }

/** The other ways of a compiler that takes ten times as long as TypeScript 7. */
const NIGHTLY = [
  { compiler: TYPESCRIPT_5, way: NODENEXT, type: 'module', name: 'TypeScript 5.9 and nodenext' },
  { compiler: TYPESCRIPT_5, way: NODE16, type: 'commonjs', name: 'TypeScript 5.9 and node16, from CommonJS' },
]

/** `type` is that of the application's package. */
const WAYS = [
  { compiler: TYPESCRIPT_7, way: NODENEXT, type: 'module', name: 'TypeScript 7 and nodenext' },
  { compiler: TYPESCRIPT_7, way: NODENEXT, type: 'commonjs', name: 'TypeScript 7 and nodenext, from CommonJS' },
  { compiler: TYPESCRIPT_7, way: NODE16, type: 'commonjs', name: 'TypeScript 7 and node16, from CommonJS' },
  { compiler: TYPESCRIPT_7, way: COMMONJS, type: 'commonjs', name: 'TypeScript 7 and commonjs' },
  { compiler: TYPESCRIPT_7, way: BUNDLER, type: 'module', name: 'TypeScript 7 and bundler' },
  { compiler: TYPESCRIPT_5, way: NODE10, type: 'commonjs', name: 'TypeScript 5.9 and node10' },
  ...(isNightly ? NIGHTLY : []),
]

type Way = (typeof WAYS)[number]

const OPTIONS = { target: 'es2022', lib: ['es2023'], types: ['node'], strict: true, skipLibCheck: false, noEmit: true }

const application = (line: string) => `import { sessions, type Sessions } from '@sess/core'
const secret = process.env['SESSION_SECRET']
export const sess: Sessions<{ user: string }> = sessions(${line})
`

const RIGHT = {
  cookie: application("'cookie', { secret, idleTimeout: '2h' }"),
  memory: application("'memory', { secret, maxEntries: 5 }"),
  redis: application("'redis', { secret, url: 'redis://127.0.0.1', cookie: { sameSite: 'strict' } }"),
  memcache: application("'memcache', { secret, servers: ['127.0.0.1:11211'] }"),
  sqlite: application("'sqlite', { secret, file: 'sessions.sqlite', durability: 'full' }"),
}

/** The arguments of `sessions`, and part of the compiler's message for their line. */
const WRONG = {
  'an option of redis misspelt': ["'redis', { secret, ulr: 'x' }", "'ulr' does not exist in type"],
  'an option of redis of the wrong type': [
    "'redis', { secret, url: 6379 }",
    "Type 'number' is not assignable to type 'string'",
  ],
  'an option of memcache given to redis': ["'redis', { secret, servers: 'x' }", "'servers' does not exist in type"],
  'a wrong value of an option of sqlite': ["'sqlite', { secret, durability: 'ful' }", 'is not assignable to type'],
  "core's option misspelt": ["'memory', { secret, idleTimout: '1h' }", "'idleTimout' does not exist in type"],
  'no secret': ["'redis', { url: 'redis://127.0.0.1' }", "Property 'secret' is missing in type"],
} as const

/** The compiler's messages, by `file(line`. */
async function compile(project: Project, { compiler, way, type }: Way): Promise<Readonly<Record<string, string>>> {
  const config = { compilerOptions: { ...OPTIONS, ...way }, include: ['src'] }
  project.write({ 'tsconfig.json': JSON.stringify(config), 'src/package.json': JSON.stringify({ type }) })
  const { stdout } = await project.node([compiler, '--project', '.', '--pretty', 'false'])
  const said: Record<string, string> = {}
  for (const text of stdout.split(/\n(?! )/).filter((line) => line !== '')) {
    const [place = text] = /^[^(]+\(\d+/.exec(text) ?? []
    said[place] = `${said[place] ?? ''}${text}\n`
  }
  return said
}

const files = (names: readonly string[], folder: string) =>
  names.map((name) => `${folder}/${name.replaceAll(/\W/g, '-')}.ts`)
const [rightFiles, wrongFiles] = [files(Object.keys(RIGHT), 'src/right'), files(Object.keys(WRONG), 'src/wrong')]

let full: Project
let bare: Project
beforeAll(async () => {
  bare = await new Project().manifest({ type: 'module' }).install('@sess/core', '@types/node@20')
  full = bare.copy()
  await full.install(...Object.keys(RIGHT).map((name) => `@sess/adapter-${name}`))
  const right = Object.values(RIGHT).map((text, index) => [rightFiles[index] ?? '', text])
  const wrong = Object.values(WRONG).map(([line], index) => [wrongFiles[index] ?? '', application(line)])
  full.write(Object.fromEntries([...right, ...wrong]))
  bare.write(Object.fromEntries(right))
})
afterAll(() => {
  full.remove()
  bare.remove()
})

describe('in the folders of pnpm', () => {
  it.each(WAYS.slice(0, 2))('with $name, options are checked by name', async (way) => {
    const project = Project.forTest().manifest({})
    await MANAGERS.pnpm.run(project, 'pnpm add @sess/core @sess/adapter-redis @types/node@20')
    const [line, text] = WRONG['an option of redis misspelt']
    project.write({ 'src/right.ts': RIGHT.redis, 'src/wrong.ts': application(line) })
    expect(await compile(project, way)).toEqual({ 'src/wrong.ts(3': expect.stringContaining(text) })
  })
})

describe.each(WAYS)('with $name, checking the declarations', (way) => {
  it('options are checked by name, without an import of the adapter', async () => {
    const said = await compile(full, way)
    const says = Object.values(WRONG).map(([, text]) => text)
    // Each message is for the third line of its file. No other file has a message, not even a declaration file.
    const places = wrongFiles.map((file) => `${file}(3`)
    expect(Object.keys(said).toSorted()).toEqual(places.toSorted())
    expect(places.map((place) => said[place])).toEqual(says.map((text) => expect.stringContaining(text)))
  })

  it('what names an adapter that is not installed compiles', async () => {
    expect(bare.installed('@sess/adapter-redis')).toBeUndefined()
    expect(await compile(bare, way)).toEqual({})
  })
})
