import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile, type Diagnostic } from '../../core/test/support/compiler.ts'
import { Installation } from '../../core/test/support/installation.ts'

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

const AUGMENTED = `
  import session from 'express-session'
  import { SessStore } from '@sess/express-session'
  declare module 'express-session' { interface SessionData { user: { id: number }; views?: number } }
`

const ACCEPTED: Readonly<Record<string, string>> = {
  'a store by its name, where sessions have a required key': `${AUGMENTED}
    export const handler = session({ secret: 'x', store: new SessStore('memory', { maxEntries: 5, ttl: '1d' }) })`,
  'a store by its adapter': `${AUGMENTED}
    import memory from '@sess/adapter-memory'
    export const handler = session({ secret: 'x', store: new SessStore(memory, { maxEntries: 5 }) })`,
  'a name that is known only at run time': `${AUGMENTED}
    export const handler = (name: string) => session({ secret: 'x', store: new SessStore(name, { url: 'x' }) })`,
  'what get gives, as the application declares it': `${AUGMENTED}
    export const store: session.Store = new SessStore('memory')
    new SessStore('memory').get<session.SessionData>('sid', (error: unknown, data) => data?.user.id)`,
  'a session that a program loads': `${AUGMENTED}
    new SessStore('memory').load<session.SessionData>('sid', (error, loaded) => {
      if (loaded) loaded.views = 1 + loaded.user.id
      loaded?.save().touch().save((failure) => failure)
    })`,
  'a session that is made of data': `${AUGMENTED}
    import type { Request } from 'express'
    export const make = (request: Request, data: session.SessionData): session.Session & session.SessionData =>
      new SessStore('memory').createSession(request, data)`,
  'what get gives, where nobody declares it': `
    import { SessStore, type StoredData } from '@sess/express-session'
    new SessStore('memory').get('sid', (error, data) => { const known: StoredData | null | undefined = data; return known })`,
}

const REFUSED: readonly (readonly [fault: string, program: string, says: string])[] = [
  ['an option that is misspelt', `new SessStore('memory', { maxEntry: 5 })`, `'maxEntry' does not exist`],
  ['a ttl that is no duration', `new SessStore('memory', { ttl: '1 day' })`, `'"1 day"' is not assignable`],
  ['the list of all sessions, which no store has', `new SessStore('memory').all(() => 1)`, `'all' does not exist`],
]

const BARE = `
  import { SessStore } from '@sess/express-session'
  export const store = new SessStore('memory', { ttl: '1d' })`

const application = new Installation()
  .copy('core')
  .copy('adapter-memory')
  .copy('express-session')
  .write({ 'package.json': '{"type":"module"}' })
for (const name of ['@types', 'express', 'express-session'])
  application.symlink(join(MODULES, name), 'node_modules', name)

const bare = new Installation()
  .copy('core')
  .copy('express-session')
  .symlink(join(MODULES, '@types/node'), 'node_modules/@types/node')
  .symlink(join(MODULES, 'undici-types'), 'node_modules/undici-types')
  .write({ 'package.json': '{"type":"module"}' })

afterAll(() => {
  application.remove()
  bare.remove()
})

const OPTIONS = { lib: ['es2023'], types: ['node'], esModuleInterop: true, exactOptionalPropertyTypes: true }

describe.each(['nodenext', 'bundler'])('resolved as %s', (moduleResolution) => {
  const options = { ...OPTIONS, module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext', moduleResolution }
  const programs = Object.entries({
    ...ACCEPTED,
    ...Object.fromEntries(REFUSED.map(([fault, program]) => [fault, `${AUGMENTED}; ${program}`])),
  }).map(([name, text], index) => ({ name, text, file: `src/${moduleResolution}${index}.ts` }))
  let found: ReadonlyMap<string, readonly Diagnostic[]>

  beforeAll(async () => {
    application.write(Object.fromEntries(programs.map(({ file, text }) => [file, text])))
    const files = programs.map(({ file }) => file)
    found = await compile(application, moduleResolution, files, { ...options, skipLibCheck: true })
  })

  const textOf = (name: string) => {
    const file = programs.find((program) => program.name === name)?.file ?? ''
    return (found.get(file) ?? []).map(({ text }) => text).join('\n')
  }

  it.each(Object.keys(ACCEPTED))('%s compiles', (name) => {
    expect(textOf(name)).toBe('')
  })

  it.each(REFUSED)('%s does not compile', (name, _, says) => {
    expect(textOf(name)).toContain(says)
  })

  it('the declarations compile where express-session is not installed', async () => {
    bare.write({ 'src/main.ts': BARE })
    const problems = await compile(bare, moduleResolution, ['src/main.ts'], options)
    expect([...problems.values()].flat().map(({ text }) => text)).toEqual([])
  })
})
