import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { isNightly } from './scripts/nightly.js'

const results = process.env['SESS_TEST_RESULTS']

/** `npm test`, or `vitest run` with SESS_INSTALL=1, and no argument that selects tests. */
const mayInstall = process.env['SESS_INSTALL'] === '1' && process.argv.slice(2).join(' ') === 'run'

/** These talk to a backend: a redis-server or memcached that they start, or SQLite files. */
const BACKENDS = ['packages/adapter-{redis,memcache,sqlite}/test/**/*.test.ts']

/** Those that may differ on each Node: the contract on each backend, and SQLite, whose binding belongs to one Node. */
const BINDINGS = [
  'packages/adapter-{redis,memcache}/test/conformance.test.ts',
  'packages/adapter-sqlite/test/**/*.test.ts',
]

/**
 * What is the same on every Node is tried on one: pages, examples, what compilers and browsers say, how servers are
 * started and what they decide, the suite's own mutants, reference stores and faults (each Node runs the suite itself on
 * every adapter), minutes of arithmetic, such as 200,000 forged tokens. These may start any server.
 */
const ONCE = [
  'docs/test/**/*.test.ts',
  'examples/*/test/**/*.test.ts',
  'scripts/test/**/*.test.ts',
  'tests/*.test.ts',
  'packages/cli/test/{commands,page,process}.test.ts',
  'packages/create-adapter/test/**/*.test.ts',
  'packages/conformance/test/{bindings,leaks,reference}.test.ts',
  'packages/conformance/test/faults/*.test.ts',
  'packages/conformance/test/{command-line,mutants}/*.test.ts',
  'packages/core/test/application/{load,types}.test.ts',
  'packages/core/test/crypto/token.test.ts',
  'packages/core/test/exchange/{chromium,nginx}.test.ts',
  'packages/express-session/test/*-types.test.ts',
  'packages/fastify/test/types.test.ts',
  'packages/opentelemetry/test/installed.test.ts',
  'packages/core/test/storage/interleaving.test.ts',
  'packages/core/test/owners/{cut,exploration,interleaving,mutants}.test.ts',
  'packages/adapter-redis/test/{cluster,failover,refusal,sentinel,set-up}.test.ts',
  'packages/migrate/test/{backends,key,types}.test.ts',
  'packages/adapter-memcache/test/{expiry,full,set-up,several,types,version}.test.ts',
]

/** These take a minute of a processor, and try what something else tries too. A nightly run has them. */
const NIGHTLY = [
  // The benchmarks show it.
  'tests/scale.test.ts',
  // `devices.test.ts` has no browser, and has every store.
  'examples/bookshelf/test/devices-chromium.test.ts',
  // The store of PostgreSQL is over the same kit.
  'examples/adapter-mysql/test/conformance.test.ts',
]

/** Files that take minutes. Vitest knows that only of files that it has run before, and would begin one of them last. */
const LONG =
  /\/(?:mutants\/[^/]+|leaks|bindings|starvation|outage|interleaving|skeleton|chromium|devices-chromium|load|cut|servers|owners|scale)\.test\.ts$/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const long = files.filter(({ moduleId }) => LONG.test(moduleId))
    // oxlint-disable-next-line unicorn/no-array-sort -- this is not a method of an array
    return [...long, ...(await super.sort(files.filter((file) => !long.includes(file))))]
  }
}

/** Each test file belongs to one project: what the lists above do not name is a unit test, and needs Node alone. */
function project(name: string, include: string[], exclude: string[], more: object = {}): TestProjectConfiguration {
  return { extends: true, test: { name, include, exclude: ['**/node_modules/**', ...exclude], ...more } }
}

/**
 * Unit tests share a process with the files that ran in it before, which halves their time. Each leaves the process as it
 * was: `npx vitest run --project unit --maxWorkers=1 --sequence.shuffle.files` tries another order.
 */
const UNIT = { isolate: false, env: { SESS_UNIT: '1' } }

export default defineConfig({
  test: {
    projects: [
      project('unit', ['packages/*/test/**/*.test.ts'], [...BACKENDS, ...ONCE], UNIT),
      project('bindings', BINDINGS, ONCE),
      project('backends', BACKENDS, [...BINDINGS, ...ONCE]),
      project('once', ONCE, isNightly ? [] : NIGHTLY),
    ],
    globalSetup: ['scripts/binding.js', ...(mayInstall ? ['scripts/servers/setup.js'] : [])],
    setupFiles: 'scripts/seed.js',
    // The tests see the packages as an application does: built, and loaded by Node itself. If Vite transformed them, a
    // test and an adapter loaded by name would have two copies of @sess/core.
    server: { deps: { external: [/\/(?:packages|examples)\/[^/]+\/dist\//] } },
    // What takes longest waits for servers and deadlines; on two cores vitest would use one worker.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
  },
})
