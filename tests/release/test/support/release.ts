import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { ROOT } from '../../../../docs/test/support/document.ts'
import { run } from './command.ts'
import { assertLoopback } from './registry.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly publishConfig?: object
}

type Bump = 'major' | 'minor' | 'patch'

const CHANGESET = join(ROOT, 'node_modules/@changesets/cli/bin.js')
const WORKSPACES = ['packages', 'examples']

/** A copy of a repository, in which a release is made. */
export class Release {
  readonly path: string = realpathSync(mkdtempSync(join(tmpdir(), 'sess-release-')))

  /** `from`: this repository, including uncommitted changes, or another release. */
  constructor(from: string = ROOT) {
    const files = execFileSync('git', ['ls-files', '-z'], { cwd: from, encoding: 'utf8' }).split('\0')
    for (const file of files) {
      // Git lists a deleted file until the deletion is committed.
      if (file !== '' && existsSync(join(from, file))) cpSync(join(from, file), join(this.path, file))
    }
    for (const folder of ['.', ...this.#folders()]) this.#linkModules(folder)
    this.#git('init', '--quiet')
    this.#commit('Begin')
  }

  /** Turns the changesets into versions and changelogs. */
  async version(): Promise<this> {
    await run(process.execPath, [CHANGESET, 'version'], this.path)
    this.#commit('Version')
    return this
  }

  async build(): Promise<this> {
    await run('npm', ['run', 'build'], this.path)
    return this
  }

  /** Publishes the versions that the registry lacks. Throws if the registry is not on loopback. */
  async publish(registry: string): Promise<void> {
    assertLoopback(registry)
    const userconfig = join(this.path, '.git/npmrc')
    const token = `${registry.replace('http:', '')}:_authToken=rehearsal`
    writeFileSync(userconfig, `registry=${registry}\n@sess:registry=${registry}\n${token}\n`)
    const env = { npm_config_registry: registry, npm_config_userconfig: userconfig }
    for (const key of ['registry', '@sess:registry']) {
      assertLoopback((await run('npm', ['config', 'get', key], this.path, env)).trim())
    }
    for (const { name, publishConfig } of this.manifests()) {
      if (publishConfig !== undefined) throw new Error(`The publishConfig of ${name} may name another registry.`)
    }
    await run(process.execPath, [CHANGESET, 'publish'], this.path, env)
  }

  /** Adds a changeset, as `npx changeset` does. */
  change(bumps: Readonly<Record<string, Bump>>, summary: string): this {
    const lines = Object.entries(bumps).map(([name, bump]) => `'${name}': ${bump}\n`)
    writeFileSync(join(this.path, '.changeset/change.md'), `---\n${lines.join('')}---\n\n${summary}\n`)
    return this
  }

  /** The manifests of the published packages. */
  manifests(): readonly Manifest[] {
    const manifests = this.#folders().map((folder): Manifest => JSON.parse(this.read(folder, 'package.json')))
    return manifests.filter((manifest) => manifest.private !== true)
  }

  versions(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.manifests().map(({ name, version }) => [name, version]))
  }

  read(...names: readonly string[]): string {
    return readFileSync(join(this.path, ...names), 'utf8')
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }

  #folders(): readonly string[] {
    const folders = WORKSPACES.flatMap((parent) =>
      readdirSync(join(this.path, parent)).map((name) => join(parent, name)),
    )
    return folders.filter((folder) => existsSync(join(this.path, folder, 'package.json')))
  }

  /** Links to what npm installed for this repository. Links between packages of the repository point into the copy. */
  #linkModules(folder: string): void {
    const modules = join(ROOT, folder, 'node_modules')
    if (!existsSync(modules)) return
    for (const entry of readdirSync(modules)) {
      const names = entry.startsWith('@') ? readdirSync(join(modules, entry)).map((name) => join(entry, name)) : [entry]
      for (const name of names) {
        const target = realpathSync(join(modules, name))
        const inside = relative(ROOT, target)
        const isOurs = WORKSPACES.some((parent) => dirname(inside) === parent)
        const link = join(this.path, folder, 'node_modules', name)
        mkdirSync(dirname(link), { recursive: true })
        symlinkSync(isOurs ? join(this.path, inside) : target, link)
      }
    }
  }

  #commit(message: string): void {
    this.#git('add', '--all')
    this.#git('-c', 'user.name=rehearsal', '-c', 'user.email=rehearsal@localhost', 'commit', '--quiet', '-m', message)
  }

  #git(...args: readonly string[]): void {
    execFileSync('git', args, { cwd: this.path, stdio: ['ignore', 'ignore', 'inherit'] })
  }
}
