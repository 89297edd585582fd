import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { Document } from '../../../../docs/test/support/document.ts'
import { REHEARSAL, run } from './command.ts'
import type { Project } from './project.ts'

const SQLITE = new Document('packages/adapter-sqlite/README.md')

/** The commands of the sqlite store's page that begin with this word. */
const commandsOf = (program: string): readonly string[] =>
  SQLITE.blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line.startsWith(`${program} `) && !line.includes('@sess/'))

type Run = (project: Project, command: string, env?: NodeJS.ProcessEnv) => Promise<unknown>

/** A package manager, as a user has it who installs from a registry. */
export interface Manager {
  /** Runs a command line of the manager, which begins with its name. It asks nothing. */
  readonly run: Run
  /** The command that adds packages. */
  readonly add: string
  /** What it needs before the first command, in addition to package.json and .npmrc. */
  readonly settings: () => Promise<Readonly<Record<string, string>>>
  /** The options of Node with which a program finds the packages. */
  readonly node: readonly string[]
  /** What the sqlite store's page says to do on Node 20. */
  readonly onNode20: readonly ((project: Project, env: NodeJS.ProcessEnv) => Promise<unknown>)[]
}

const npm: Run = (project, command, env) => run('sh', ['-c', command], project.path, env)

const PNPM = join(REHEARSAL, 'node_modules/pnpm/bin/pnpm.cjs')

const pnpm: Run = (project, command, env) => {
  // There is no one to answer.
  const words = command
    .replace(/^pnpm approve-builds$/, '$& --all')
    .split(' ')
    .slice(1)
  // Not the user's folders: each rehearsal publishes other packages of the same versions.
  const folders = [`--config.store-dir=${project.at('.pnpm/store')}`, `--config.cache-dir=${project.at('.pnpm/cache')}`]
  return run(process.execPath, [PNPM, ...words, ...folders], project.path, env)
}

const YARN = join(REHEARSAL, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js')

const yarn: Run = (project, command, env) =>
  run(process.execPath, [YARN, ...command.split(' ').slice(1)], project.path, env)

/** Yarn reads no .npmrc. It looks for the packages of others where npm does. */
async function yarnSettings(nodeLinker: string) {
  const npmRegistryServer = (await run('npm', ['config', 'get', 'registry'], REHEARSAL)).trim()
  const settings = {
    nodeLinker,
    npmRegistryServer,
    npmScopes: { sess: { npmRegistryServer: inject('registry') } },
    unsafeHttpWhitelist: ['127.0.0.1'],
    // Yarn waits some days before it installs what is new.
    npmPreapprovedPackages: ['@sess/*'],
    enableGlobalCache: false,
    globalFolder: '.yarn/global',
    enableTelemetry: false,
    enableImmutableInstalls: false,
  }
  return { '.yarnrc.yml': JSON.stringify(settings), 'yarn.lock': '' }
}

/** Adds to package.json what the page shows for Yarn. */
async function resolve(project: Project, env: NodeJS.ProcessEnv): Promise<void> {
  const shown = JSON.parse(SQLITE.files['package.json'] ?? '')
  project.manifest({ ...JSON.parse(readFileSync(project.at('package.json'), 'utf8')), ...shown })
  await yarn(project, 'yarn install', env)
}

const YARN_4 = { run: yarn, add: 'yarn add', node: [], onNode20: [resolve] }

export const MANAGERS = {
  npm: {
    run: npm,
    // As npm 12 does by default.
    add: 'npm install --ignore-scripts --no-audit --no-fund',
    settings: () => Promise.resolve({}),
    node: [],
    onNode20: commandsOf('npm').map((command) => (project, env) => npm(project, command, env)),
  },
  pnpm: {
    run: pnpm,
    add: 'pnpm add',
    settings: () => Promise.resolve({}),
    node: [],
    onNode20: commandsOf('pnpm').map((command) => (project, env) => pnpm(project, command, env)),
  },
  'Yarn with node_modules': { ...YARN_4, settings: () => yarnSettings('node-modules') },
  "Yarn with Plug'n'Play": {
    ...YARN_4,
    settings: () => yarnSettings('pnp'),
    // As `yarn node` does. The loader is what Node warns about.
    node: ['--disable-warning=ExperimentalWarning', '--require=./.pnp.cjs', '--experimental-loader=./.pnp.loader.mjs'],
  },
} satisfies Readonly<Record<string, Manager>>
