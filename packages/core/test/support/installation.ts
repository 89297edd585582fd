import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'

const PACKAGES = fileURLToPath(new URL('../../../', import.meta.url))

type Files = Readonly<Record<string, string>>

interface Ran {
  readonly failed: boolean
  readonly stdout: string
  readonly stderr: string
}

/** A folder with an application and its installed packages; `remove` deletes it. */
export class Installation {
  readonly path: string = realpathSync(mkdtempSync(join(tmpdir(), 'sess-')))

  /** An installation that is removed when the test ends. */
  static forTest(): Installation {
    const installation = new Installation()
    onTestFinished(() => installation.remove())
    return installation
  }

  /** The URL of a module in the application; the file need not exist. */
  get main(): URL {
    return pathToFileURL(this.at('main.js'))
  }

  at(...names: readonly string[]): string {
    return join(this.path, ...names)
  }

  write(files: Files, folder = '.'): this {
    for (const [name, text] of Object.entries(files)) {
      const file = this.at(folder, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    return this
  }

  /** Installs a hand-written package in the application, or in `folder` within it. */
  install(
    name: string,
    files: Files,
    manifest: object = { type: 'module', exports: './index.js' },
    folder = '.',
  ): this {
    const text = JSON.stringify({ name, version: '1.0.0', ...manifest })
    return this.write({ 'package.json': text, ...files }, join(folder, 'node_modules', name))
  }

  /** Installs packages of this repository as npm does in a workspace: as symbolic links. */
  link(...names: readonly string[]): this {
    for (const name of names) this.symlink(join(PACKAGES, name), 'node_modules', '@sess', name)
    return this
  }

  /** Installs a package of this repository as it is published: a copy, with its dependencies next to it. */
  copy(name: string, folder = '.'): this {
    const from = join(PACKAGES, name)
    const modules = join(folder, 'node_modules')
    for (const part of ['package.json', 'dist'])
      cpSync(join(from, part), this.at(modules, '@sess', name, part), { recursive: true })
    const manifest: { dependencies?: object } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      const own = join(from, 'node_modules', dependency)
      const target = existsSync(own) ? own : join(PACKAGES, '../node_modules', dependency)
      if (!existsSync(this.at(modules, dependency))) this.symlink(target, modules, dependency)
    }
    return this
  }

  symlink(target: string, ...names: readonly string[]): this {
    const link = this.at(...names)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(target, link)
    return this
  }

  /** Runs Node, by default in the application's folder. */
  node(args: readonly string[], cwd: string = this.path, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    return new Promise((resolve) => {
      execFile(process.execPath, [...args], { cwd, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
        resolve({ failed: error !== null, stdout: stdout.trim(), stderr }),
      )
    })
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
