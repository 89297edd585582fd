import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile, type Diagnostic } from '../support/compiler.js'
import { Installation } from '../support/installation.js'
import {
  type Accepted,
  ACCEPTED,
  ACCEPTED_ON_NODE,
  ACCEPTED_WITH_FRAMEWORKS,
  ACCEPTED_WITH_SCHEMAS,
  ACCEPTED_WITHOUT_ADAPTERS,
  PRELUDE,
  SCHEMAS,
  SESSION,
} from '../types/accepted.js'
import {
  type Refused,
  REFUSED_DATA,
  REFUSED_OPTIONS,
  REFUSED_SCHEMAS,
  REFUSED_USE,
  REFUSED_WITHOUT_ADAPTERS,
} from '../types/refused.js'

/** A timeout that is long enough for the compiler on a busy machine. */
const PATIENCE = 120_000

const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url))

/** Writes programs to files of an application and returns the file names. */
class Programs {
  readonly #application: Installation
  #count = 0

  constructor(application: Installation) {
    this.#application = application
  }

  add(text: string): string {
    const file = `src/program${++this.#count}.ts`
    this.#application.write({ [file]: text })
    return file
  }

  accepted(programs: Accepted, begin = PRELUDE): readonly (readonly [shows: string, file: string])[] {
    return Object.entries(programs).map(([shows, text]) => [shows, this.add(begin + text)] as const)
  }

  /** Each fault is on the last line of its program. */
  refused(
    programs: Refused,
    begin = PRELUDE,
  ): readonly (readonly [fault: string, says: string, file: string, line: number])[] {
    const line = begin.split('\n').length
    return programs.map(([fault, text, says]) => [fault, says, this.add(begin + text), line] as const)
  }
}

/** An application with all our packages and the supported frameworks. */
const full = new Installation()
  .copy('core')
  .copy('adapter-memory')
  .copy('adapter-cookie')
  .write({ 'package.json': '{"type":"module"}' })
for (const name of ['@types', 'express', 'koa', 'fastify', 'hono', 'zod', 'valibot', 'arktype'])
  full.symlink(join(MODULES, name), 'node_modules', name)
/** An application with core only. */
const bare = new Installation().copy('core').write({ 'package.json': '{"type":"module"}' })
afterAll(() => {
  full.remove()
  bare.remove()
})

const programs = new Programs(full)
const accepted = programs.accepted({ ...ACCEPTED, ...ACCEPTED_ON_NODE })
const refused = [
  ...programs.refused([...REFUSED_OPTIONS, ...REFUSED_DATA]),
  ...programs.refused(REFUSED_USE, PRELUDE + SESSION),
]
const frameworks = programs.accepted(ACCEPTED_WITH_FRAMEWORKS)
const schemas = {
  accepted: programs.accepted(ACCEPTED_WITH_SCHEMAS, PRELUDE + SCHEMAS),
  refused: programs.refused(REFUSED_SCHEMAS, PRELUDE + SCHEMAS),
}
const barePrograms = new Programs(bare)
const acceptedBare = barePrograms.accepted(ACCEPTED_WITHOUT_ADAPTERS)
const refusedBare = barePrograms.refused(REFUSED_WITHOUT_ADAPTERS)

const NODENEXT = { module: 'nodenext', moduleResolution: 'nodenext' }
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler' }
const ON_NODE = { lib: ['es2023'], types: ['node'] }
/** Without @types/node, the web types are present, as for a worker or a bundler's target. */
const ON_THE_WEB = { lib: ['es2022', 'dom'], types: [] }
const EXACT = {
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
}

const WAYS: readonly { readonly way: string; readonly options: object }[] = [
  { way: 'nodenext', options: { ...NODENEXT, ...ON_NODE } },
  { way: 'nodenext and exact', options: { ...NODENEXT, ...ON_NODE, ...EXACT } },
  { way: 'bundler', options: { ...BUNDLER, ...ON_NODE } },
  { way: 'bundler and exact', options: { ...BUNDLER, ...ON_NODE, ...EXACT } },
]

type Compiled = ReadonlyMap<string, readonly Diagnostic[]>

const textsOf = (compiled: Compiled, file: string) => (compiled.get(file) ?? []).map(({ text }) => text)
const ours = (compiled: Compiled) => [...compiled.keys()].filter((file) => file.includes('@sess'))

describe.each(WAYS)('with everything installed, resolved as $way', ({ way, options }) => {
  let compiled: Compiled
  beforeAll(async () => {
    const files = [...accepted.map(([, file]) => file), ...refused.map(([, , file]) => file)]
    compiled = await compile(full, way.replaceAll(' ', '-'), files, options)
  }, PATIENCE)

  test.each(accepted)('it compiles: %s', (_, file) => {
    expect(textsOf(compiled, file)).toEqual([])
  })

  test.each(refused)('it does not compile: %s', (_, says, file, line) => {
    const diagnostics = compiled.get(file) ?? []
    expect(diagnostics.map(({ text }) => text).join('\n')).toContain(says)
    expect(diagnostics.every((diagnostic) => diagnostic.line === line)).toBe(true)
  })

  test('the declarations themselves compile', () => {
    expect(ours(compiled)).toEqual([])
  })
})

describe('with the frameworks', () => {
  let compiled: Compiled
  beforeAll(async () => {
    const files = frameworks.map(([, file]) => file)
    compiled = await compile(full, 'frameworks', files, { ...NODENEXT, ...ON_NODE, ...EXACT, skipLibCheck: true })
  }, PATIENCE)

  test.each(frameworks)('it compiles: %s', (_, file) => {
    expect(textsOf(compiled, file)).toEqual([])
  })
})

describe.each([
  { way: 'nodenext', options: { ...NODENEXT, ...ON_NODE } },
  { way: 'bundler and exact', options: { ...BUNDLER, ...ON_NODE, ...EXACT } },
])('with the libraries of schemas, resolved as $way', ({ way, options }) => {
  let compiled: Compiled
  beforeAll(async () => {
    const files = [...schemas.accepted.map(([, file]) => file), ...schemas.refused.map(([, , file]) => file)]
    compiled = await compile(full, `schemas-${way.replaceAll(' ', '-')}`, files, { ...options, skipLibCheck: true })
  }, PATIENCE)

  test.each(schemas.accepted)('it compiles: %s', (_, file) => {
    expect(textsOf(compiled, file)).toEqual([])
  })

  test.each(schemas.refused)('it does not compile: %s', (_, says, file, line) => {
    const diagnostics = compiled.get(file) ?? []
    expect(diagnostics.map(({ text }) => text).join('\n')).toContain(says)
    expect(diagnostics.every((diagnostic) => diagnostic.line === line)).toBe(true)
  })
})

describe.each([
  { way: 'nodenext', options: { ...NODENEXT, ...ON_THE_WEB } },
  { way: 'bundler and exact', options: { ...BUNDLER, ...ON_THE_WEB, ...EXACT } },
])('with core alone, and without the types of Node, resolved as $way', ({ way, options }) => {
  let compiled: Compiled
  beforeAll(async () => {
    const files = [...acceptedBare.map(([, file]) => file), ...refusedBare.map(([, , file]) => file)]
    compiled = await compile(bare, way.replaceAll(' ', '-'), files, options)
  }, PATIENCE)

  test.each(acceptedBare)('it compiles: %s', (_, file) => {
    expect(textsOf(compiled, file)).toEqual([])
  })

  test.each(refusedBare)('it does not compile: %s', (_, says, file) => {
    expect(textsOf(compiled, file).join('\n')).toContain(says)
  })

  test('the declarations themselves compile', () => {
    expect(ours(compiled)).toEqual([])
  })
})
