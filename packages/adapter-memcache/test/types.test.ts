import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile, type Diagnostic } from '../../core/test/support/compiler.js'
import { Installation } from '../../core/test/support/installation.js'

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

/** An application, without the package `memcached` itself. */
function install(...types: readonly string[]): Installation {
  const made = new Installation().write({ 'package.json': '{"type":"module"}' }).copy('core').copy('adapter-memcache')
  for (const name of types) made.symlink(join(MODULES, name), 'node_modules', name)
  return made
}

const untyped = install('@types/node', 'undici-types')
const typed = install('@types/node', 'undici-types', '@types/memcached')
afterAll(() => {
  untyped.remove()
  typed.remove()
})

const PRELUDE = `
import { sessions, type Sessions } from '@sess/core'
import type { MemcacheOptions, MemcachedClient } from '@sess/adapter-memcache'
declare const secret: string | undefined
`
const IMPORT = `import Memcached from 'memcached'\n`
const open = (options: string) =>
  `export const sess: Sessions<{ a?: string }> = sessions('memcache', { secret, ${options} })`

type Accepted = readonly (readonly [shows: string, line: string])[]
type Refused = readonly (readonly [fault: string, line: string, says: string])[]

const ACCEPTED: Accepted = [
  ['a server, and no client', open(`servers: 'a:1', client: undefined`)],
  ['several servers', `export const options: MemcacheOptions = { servers: ['a:1', 'b:1'] }`],
  ['a client by its shape', `declare const client: MemcachedClient; ${open('client')}`],
]

const ACCEPTED_WITH_TYPES: Accepted = [
  ['a client of memcached', `${IMPORT}${open(`client: new Memcached({ 'a:1': 1, 'b:1': 2 })`)}`],
  ['an instance of a subclass', `${IMPORT}class Mine extends Memcached {} ${open(`client: new Mine('a:1')`)}`],
]

const REFUSED: Refused = [
  ['an option misspelt', open(`clint: 'a:1'`), `'clint' does not exist in type`],
  ['a text as the client', open(`client: 'a:1'`), `Type 'string' is not assignable to type 'MemcachedClient'`],
  ['a list of servers as the client', open(`client: ['a:1']`), `from type 'MemcachedClient'`],
  ['an empty object as the client', open('client: {}'), `from type 'MemcachedClient'`],
  ['null as the client', open('client: null'), `Type 'null' is not assignable to type 'MemcachedClient`],
  [
    'a client of another package',
    `declare const client: { get(key: string): Promise<string>; end(): void }; ${open('client')}`,
    `from type 'MemcachedClient'`,
  ],
]

const REFUSED_WITH_TYPES: Refused = [
  ['the class as the client', `${IMPORT}${open('client: Memcached')}`, `from type 'MemcachedClient'`],
]

const NODENEXT = { module: 'nodenext', moduleResolution: 'nodenext' }
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler' }
const WITHOUT = { made: untyped, accepted: ACCEPTED, refused: REFUSED }
const WITH = {
  made: typed,
  accepted: [...ACCEPTED, ...ACCEPTED_WITH_TYPES],
  refused: [...REFUSED, ...REFUSED_WITH_TYPES],
}

describe.each([
  { way: 'without the types of memcached, resolved as nodenext', options: NODENEXT, ...WITHOUT },
  { way: 'without the types of memcached, resolved as bundler', options: BUNDLER, ...WITHOUT },
  { way: 'with the types of memcached, resolved as nodenext', options: NODENEXT, ...WITH },
  { way: 'with the types of memcached, resolved as bundler', options: BUNDLER, ...WITH },
])('$way', ({ way, options, made, accepted, refused }) => {
  const fileOf = (name: string) => `${name.replaceAll(/\W+/g, '-')}.ts`
  let compiled: ReadonlyMap<string, readonly Diagnostic[]>
  const textOf = (file: string) => (compiled.get(file) ?? []).map(({ text }) => text).join('\n')

  beforeAll(async () => {
    const programs = [...accepted, ...refused].map(([name, line]) => [fileOf(name), PRELUDE + line] as const)
    made.write(Object.fromEntries(programs))
    const all = { ...options, lib: ['es2023'], types: ['node'], exactOptionalPropertyTypes: true }
    compiled = await compile(
      made,
      way.replaceAll(/\W+/g, '-'),
      programs.map(([file]) => file),
      all,
    )
  }, 120_000)

  it.each(accepted)('compiles: %s', (name) => {
    expect(textOf(fileOf(name))).toBe('')
  })

  it.each(refused)('does not compile: %s', (name, _, says) => {
    expect(textOf(fileOf(name))).toContain(says)
  })

  it('compiles the declarations themselves', () => {
    expect([...compiled.keys()].filter((file) => file.includes('node_modules'))).toEqual([])
  })
})
