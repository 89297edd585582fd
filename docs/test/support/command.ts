import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './document.ts'

interface Manifest {
  readonly name: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** The problem with a shell line of a page; `undefined` if each of its commands works in this repository. */
export function problemOf(line: string): string | undefined {
  const commands = line.replace(/(^|\s+)#.*$/, '').split(' && ')
  return commands.map((command) => problemOfCommand(command.trim())).find((problem) => problem !== undefined)
}

function problemOfCommand(command: string): string | undefined {
  const folder = /^npm --prefix (\S+) /.exec(command)?.[1] ?? '.'
  const words = command.replace(/^([A-Z_]+=\S+ )+/, '').replace(/^npm --prefix \S+/, 'npm')
  const [program, verb = '', ...rest] = words.split(' ')
  if (program === '' || words === 'npm ci') return undefined
  if (program === 'npm' && (verb === 'start' || verb === 'test')) return scriptProblem(verb, folder)
  if (program === 'npm' && verb === 'run') return scriptProblem(rest[0] ?? '', folder)
  if (program === 'npm' && verb === 'install') {
    const names = rest.filter((name) => name !== '--save-dev')
    return names.map(packageProblem).find((problem) => problem !== undefined)
  }
  // The tests in tests/runtimes run Next, which is not installed here.
  if (words === 'npx next build' || words === 'npx next start') return undefined
  // docs/test/opentelemetry.test.ts runs it.
  if (words === 'node --import ./telemetry.mjs server.mjs') return undefined
  // The tests in tests/release run these commands.
  if (/^(?:npx jest |node --test |pnpm |yarn |npm (?:install-scripts|rebuild) )/.test(words)) return undefined
  if (program === 'npm' && verb === 'create') return packageProblem((rest[0] ?? '').replace('/', '/create-'))
  // Enters the folder that `npm create` made; the tests of @sess/create-adapter run this sequence.
  if (program === 'cd') return undefined
  if (program === 'npx' && verb.startsWith('@sess/')) return packageProblem(verb)
  if (program === 'npx') return existsSync(join(ROOT, 'node_modules/.bin', verb)) ? undefined : `no command ${verb}`
  // The test of docs/guide/kubernetes.md plays these on its own.
  if (/^kubectl (?:apply|rollout) /.test(words)) return undefined
  // The tests' set-up installs both.
  if (program === 'redis-server' || program === 'memcached') return undefined
  return `not a command that this test knows: ${command}`
}

export function scriptProblem(name: string, folder: string = '.'): string | undefined {
  return Object.hasOwn(manifest(folder).scripts ?? {}, name) ? undefined : `no script ${name}`
}

/**
 * The problem with a package's name; `undefined` if it is ours, a development dependency that the pages' tests use, the
 * client of the store that the guide for authors builds, or a package of an application of tests/frameworks.
 */
function packageProblem(name: string): string | undefined {
  const folders = ['packages', 'examples'].flatMap((parent) =>
    readdirSync(join(ROOT, parent)).map((folder) => join(parent, folder)),
  )
  const ours = [...folders, 'packages/create-adapter/templates/common'].map((folder) => manifest(folder).name)
  const used = Object.keys({
    ...manifest('.').devDependencies,
    ...manifest('examples/adapter-postgres').dependencies,
    ...Object.assign({}, ...applications().flatMap((at) => [manifest(at).dependencies, manifest(at).devDependencies])),
  })
  return [...ours, ...used].includes(name) ? undefined : `no package ${name}`
}

function applications(): readonly string[] {
  const apps = 'tests/frameworks/apps'
  return readdirSync(join(ROOT, apps)).map((name) => join(apps, name))
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
}
