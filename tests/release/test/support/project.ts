import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { attempt, type Ran, run } from './command.ts'

/** Skips install scripts: building better-sqlite3 takes a minute, and only the tests of its adapter need it. */
const INSTALL = ['install', '--ignore-scripts', '--no-audit', '--no-fund']

/** The empty folder of a new user, outside of this repository. Removed by `remove`. */
export class Project {
  readonly path: string = realpathSync(mkdtempSync(join(tmpdir(), 'sess-stranger-')))

  constructor() {
    this.write({ '.npmrc': `@sess:registry=${inject('registry')}\n` })
  }

  static forTest(): Project {
    const project = new Project()
    onTestFinished(() => project.remove())
    return project
  }

  at(...names: readonly string[]): string {
    return join(this.path, ...names)
  }

  read(...names: readonly string[]): string {
    return readFileSync(this.at(...names), 'utf8')
  }

  write(files: Readonly<Record<string, string>>): this {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(this.at(name)), { recursive: true })
      writeFileSync(this.at(name), text)
    }
    return this
  }

  /** Writes package.json. `install` adds the dependencies. */
  manifest(manifest: object): this {
    return this.write({ 'package.json': JSON.stringify(manifest) })
  }

  async install(...packages: readonly string[]): Promise<this> {
    await run('npm', [...INSTALL, ...packages], this.path)
    return this
  }

  /** Runs Node, by default in the project's folder. */
  node(args: readonly string[], cwd: string = this.path, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    return attempt(process.execPath, args, cwd, env)
  }

  /** A new project with the same files. */
  copy(): Project {
    const copy = new Project()
    cpSync(this.path, copy.path, { recursive: true, verbatimSymlinks: true })
    return copy
  }

  /** The version of a package in the node_modules of `folder`, or undefined. */
  installed(name: string, folder = '.'): string | undefined {
    const file = this.at(folder, 'node_modules', name, 'package.json')
    if (!existsSync(file)) return undefined
    const { version }: { version: string } = JSON.parse(readFileSync(file, 'utf8'))
    return version
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
