// Generates docs/reference from the docstrings. With `--check`, fails if the pages are out of date and changes nothing.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, ReferenceType, ReflectionKind } from 'typedoc'

const REFERENCE = fileURLToPath(new URL('..', import.meta.url))
const PACKAGES = fileURLToPath(new URL('../../../packages', import.meta.url))

/** @type {Partial<import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions>} */
const OPTIONS = {
  plugin: ['typedoc-plugin-markdown', fileURLToPath(new URL('theme.js', import.meta.url))],
  name: 'Reference',
  tsconfig: fileURLToPath(new URL('tsconfig.json', import.meta.url)),
  entryPoints: [
    'core/src/index.ts',
    'core/src/adapter.ts',
    'core/src/bridge.ts',
    'core/src/testing.ts',
    'adapter-cookie/src/index.ts',
    'adapter-memory/src/index.ts',
    'adapter-redis/src/index.ts',
    'adapter-memcache/src/index.ts',
    'adapter-sqlite/src/index.ts',
    'express-session/src/index.ts',
    'fastify/src/index.ts',
    'nest/src/index.ts',
    'next/src/index.ts',
    'opentelemetry/src/index.ts',
    'migrate/src/index.ts',
    'conformance/src/index.ts',
    'conformance/src/vitest.ts',
    'conformance/src/node-test.ts',
    'conformance/src/jest.ts',
  ].map((path) => join(PACKAGES, path)),
  readme: 'none',
  // Links to sources have line numbers, which change with every edit.
  disableSources: true,
  excludeExternals: true,
  blockTags: ['@module', '@ts-ignore'],
  excludeTags: ['@ts-ignore'],
  validation: { invalidLink: true, rewrittenLink: true, notExported: false, notDocumented: false },
  sort: ['source-order'],
  sortEntryPoints: false,
  groupOrder: [
    'Functions',
    'Variables',
    'Classes',
    'Interfaces',
    'Type Aliases',
    'Constructors',
    'Properties',
    'Methods',
  ],

  // One page per entry point, named like the package without its scope.
  router: 'module',
  excludeScopesInPaths: true,
  flattenOutputFiles: true,
  pageTitleTemplates: { index: '{projectName}', module: '`{rawName}`', member: '{name}' },
  hidePageHeader: true,
  hideBreadcrumbs: true,
  hideGroupHeadings: true,
  // The anchors that GitHub makes are not those that TypeDoc links to if two names differ only in case.
  useHTMLAnchors: true,

  useCodeBlocks: false,
  expandObjects: true,
  expandParameters: true,
  parametersFormat: 'none',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  typeDeclarationFormat: 'table',
  tableColumnSettings: { hideModifiers: true, hideInherited: true, hideOverrides: true, hideDefaults: true },
}

/** The kinds of declarations that need a docstring. */
const DOCUMENTED = [
  ReflectionKind.Module,
  ReflectionKind.Class,
  ReflectionKind.Interface,
  ReflectionKind.TypeAlias,
  ReflectionKind.Variable,
  ReflectionKind.Property,
  ReflectionKind.CallSignature,
]

/** Members that need no docstring: those of Node or of an adapter, and those of nested types. */
const MEMBERS = /\.(?:NodeRequest|NodeResponse|Adapters|__type|\[asyncDispose\])(?:\.|$)/

/** @param {string} folder */
async function generate(folder) {
  const application = await Application.bootstrapWithPlugins({
    ...OPTIONS,
    outputs: [{ name: 'markdown', path: folder, options: { theme: 'reference' } }],
  })
  const project = await application.convert()
  if (project === undefined) throw new Error('The packages do not compile.')
  for (const reflection of Object.values(project.reflections)) {
    nameParameter(reflection)
    const name = reflection.getFriendlyFullName()
    if (!reflection.kindOf(DOCUMENTED) || reflection.hasComment() || MEMBERS.test(name)) continue
    application.logger.error(`${name} has no docstring`)
  }
  application.validate(project)
  await application.generateOutputs(project)
  if (application.logger.hasErrors() || application.logger.hasWarnings()) throw new Error('See above.')
}

/**
 * Names a parameter that its function destructures after the parameter's type.
 *
 * @param {import('typedoc').Reflection} parameter
 */
function nameParameter(parameter) {
  if (!parameter.isParameter() || parameter.name !== '__namedParameters') return
  const type = parameter.type instanceof ReferenceType ? parameter.type.name : 'Options'
  parameter.name = type.charAt(0).toLowerCase() + type.slice(1)
}

/**
 * The pages in a folder, by name.
 *
 * @param {string} folder
 */
function pagesIn(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.md'))
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

const made = mkdtempSync(join(tmpdir(), 'sess-reference-'))
try {
  await generate(made)
  const before = pagesIn(REFERENCE)
  const after = pagesIn(made)
  const names = new Set([...before.keys(), ...after.keys()])
  const changed = [...names].filter((name) => before.get(name) !== after.get(name))
  if (process.argv.includes('--check')) {
    for (const name of changed)
      console.error(`docs/reference/${name} differs from the docstrings: run npm run reference`)
    process.exitCode = changed.length === 0 ? 0 : 1
  } else {
    for (const name of changed) {
      rmSync(join(REFERENCE, name), { force: true })
      if (after.has(name)) cpSync(join(made, name), join(REFERENCE, name))
    }
    console.log(`${after.size} pages, ${changed.length} changed`)
  }
} finally {
  rmSync(made, { recursive: true, force: true })
}
