import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject, onTestFinished } from 'vitest'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const TOOLS = fileURLToPath(new URL('../../tools/', import.meta.url))

export const SECRET = 'a secret for tests, of 32 bytes or more'

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The path of a file that a tool's own folder has installed. */
export function toolPath(tool: string, ...names: readonly string[]): string {
  return join(TOOLS, tool, 'node_modules', ...names)
}

/** The folder that a tool is installed in. */
export const toolFolder = (tool: string): string => join(TOOLS, tool)

/** A folder for one test, removed when the test ends. */
export class Project {
  readonly path: string

  private constructor(path: string) {
    this.path = path
    onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  }

  /** In the project that has installed the packed packages. */
  static withPackages(): Project {
    return new Project(mkdtempSync(join(inject('folder'), 'project-')))
  }

  /** In the tool's own folder, where its packages are found, with a copy of the packed packages. */
  static inTool(tool: string): Project {
    const project = new Project(mkdtempSync(join(TOOLS, tool, 'project-')))
    cpSync(join(inject('folder'), 'node_modules'), project.at('node_modules'), { recursive: true })
    return project
  }

  /**
   * In the project that has installed the packed packages, with a better-sqlite3 that this Node can load. Bun installed
   * 13, which is not for Node 20: there, the adapter finds the one that this repository installed.
   */
  static withSqlite(): Project {
    const project = Project.withPackages()
    if (process.versions.modules !== '115') return project
    const adapter = 'node_modules/@sess/adapter-sqlite'
    const client = 'node_modules/better-sqlite3'
    return project.take(join(inject('folder'), adapter), adapter).link(join(ROOT, client), client)
  }

  /** Somewhere that no package is installed. */
  static elsewhere(): Project {
    return new Project(mkdtempSync(join(tmpdir(), 'sess-elsewhere-')))
  }

  at(...names: readonly string[]): string {
    return join(this.path, ...names)
  }

  write(files: Readonly<Record<string, string>>): this {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(this.at(name)), { recursive: true })
      writeFileSync(this.at(name), text)
    }
    return this
  }

  read(name: string): string {
    return readFileSync(this.at(name), 'utf8')
  }

  /** The files of a folder, moved to where no package is installed. */
  takeAway(folder: string): Project {
    return Project.elsewhere().take(this.at(folder), '.')
  }

  /** A link to a file or folder. */
  link(target: string, name: string): this {
    symlinkSync(target, this.at(name))
    return this
  }

  /** A copy of a file or folder that is elsewhere. */
  take(path: string, name: string): this {
    cpSync(path, this.at(name), { recursive: true })
    return this
  }

  /** Runs Node in the folder. Resolves with any exit code. */
  node(...args: readonly string[]): Promise<Ran> {
    return this.run(process.execPath, args)
  }

  /** The environment of what runs in the folder. */
  get env(): NodeJS.ProcessEnv {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_)/.test(name)))
    return { ...env, NO_COLOR: '1', CI: '1', NEXT_TELEMETRY_DISABLED: '1' }
  }

  /** Runs a program in the folder, in the environment of the project with these variables. */
  run(program: string, args: readonly string[] = [], more: NodeJS.ProcessEnv = {}): Promise<Ran> {
    const env = { ...this.env, ...more }
    return new Promise((resolve) => {
      execFile(program, [...args], { cwd: this.path, env }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, stdout, stderr })
      })
    })
  }
}
