import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { comesTrue } from '../../tests/support/condition.ts'
import { Document } from './support/document.ts'
import { problemsOfManifests, parseManifests } from './support/manifests.ts'
import { PageProgram } from './support/page-program.ts'
import { patient } from './support/patient.ts'
import { type Environment, Rollout } from './support/rollout.ts'
import { Shopper } from './support/shopper.ts'
import { Visitor } from './support/visitor.ts'
import { workspace } from './support/workspace.ts'
import { isNightly } from '../../scripts/nightly.js'

/** Each night, the page's own times, number of pods, and more load. With each change, a twentieth of the times and two pods. */
const SCALE = isNightly ? 1 : 0.05
const LONG = isNightly ? 900_000 : 240_000

const page = new Document('docs/guide/kubernetes.md')
const program = page.files['src/server.ts'] ?? ''
const manifests = parseManifests(page.files['deployment.yaml'] ?? '')
const [deployment] = manifests
const container = ['spec', 'template', 'spec', 'containers', 0]

/** A number of the Deployment. */
function numberAt(...path: readonly (string | number)[]): number {
  const value = deployment?.getIn(path)
  if (typeof value !== 'number') throw new Error(`The Deployment has no number at ${path.join('.')}.`)
  return value
}

const preStopMs = numberAt(...container, 'lifecycle', 'preStop', 'sleep', 'seconds') * 1000
const stopMs = Number(/STOP_MS = '(\d+)'/.exec(program)?.[1])
/** How long a probe tolerates failures of a container that has been ready, in seconds. */
const patience = (probe: string) =>
  numberAt(...container, probe, 'periodSeconds') * numberAt(...container, probe, 'failureThreshold')

describe('the manifests', () => {
  const all = ['docs/guide/kubernetes.md', 'packages/adapter-sqlite/README.md']
    .flatMap((path) => Object.entries(new Document(path).files))
    .filter(([name, text]) => name.endsWith('.yaml') && text.includes('apiVersion:'))
    .flatMap(([, text]) => parseManifests(text))

  test('have the fields of the Kubernetes API, and no others', async () => {
    expect(all.map((manifest) => manifest.get('kind'))).toEqual([
      'Deployment',
      'Service',
      'PodDisruptionBudget',
      'Secret',
      'StatefulSet',
    ])
    const wrong = parseManifests('{ apiVersion: v1, kind: Service, spec: { selectors: { app: shop } } }')
    const [problem, ...others] = await problemsOfManifests([...all, ...wrong])
    expect(others).toEqual([])
    // The check of the one that is wrong shows that it can find something.
    expect(problem).toContain('selectors')
  })

  test.each([
    ['startupProbe', '/live'],
    ['livenessProbe', '/live'],
    ['readinessProbe', '/ready'],
  ])('ask by the %s for a page that the program has', (probe, path) => {
    expect(deployment?.getIn([...container, probe, 'httpGet', 'path'])).toBe(path)
    expect(program).toContain(`'GET ${path}'`)
  })

  test('name the port and the variables of the program', () => {
    expect(program).toContain(`listen(${numberAt(...container, 'ports', 0, 'containerPort')})`)
    const names = JSON.stringify(deployment?.getIn([...container, 'env']))
    for (const name of ['REDIS_URL', 'SESSION_SECRET', 'SESSION_SECRET_2']) {
      expect(program).toContain(name)
      expect(names).toContain(`"name":"${name}"`)
    }
  })

  test('kill nobody who stops as the page says, and wait for the store as long as it may take', () => {
    const grace = numberAt('spec', 'template', 'spec', 'terminationGracePeriodSeconds')
    expect(grace * 1000).toBeGreaterThan(2 * (preStopMs + stopMs))
    expect(numberAt(...container, 'readinessProbe', 'timeoutSeconds')).toBeGreaterThan(1)
    expect(patience('readinessProbe')).toBe(60)
  })
})

/** The secrets before the first step and after each step: the rows of the page's table. */
const steps: readonly Environment[] = [...page.prose.matchAll(/^\| (?:before|\d) +\| (.*?) +\| (.*?) +\|/gm)].map(
  ([, first = '', second = '']) => ({ SESSION_SECRET: secretOf(first), SESSION_SECRET_2: secretOf(second) }),
)

function secretOf(cell: string): string | undefined {
  return cell === '' ? undefined : `${cell} secret of the tests, of 32 bytes or more`
}

describe('the program', () => {
  const at = new Installation()
  let redis: Redis

  beforeAll(async () => {
    workspace(at).write({ 'server.js': patient(program) })
    redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  })

  afterAll(async () => {
    await redis?.stop()
    at.remove()
  })

  const envOf = (secrets: Environment): Environment => ({
    REDIS_URL: redis.url,
    STOP_MS: String(stopMs * SCALE),
    NODE_ENV: 'production',
    ...secrets,
  })

  async function started(secrets: Environment, replicas: number): Promise<Rollout> {
    const strategy = { replicas, readyPath: '/ready', preStopMs: preStopMs * SCALE }
    const rollout = await Rollout.start(at, 'server.js', strategy, envOf(secrets))
    onTestFinished(() => rollout.stop())
    return rollout
  }

  /** Every other one logs out from time to time. */
  const shoppersOf = ({ origin }: Rollout, count: number): readonly Shopper[] =>
    Array.from({ length: count }, (_, n) => new Shopper(origin, `user${n}`, n % 2 === 1))

  const problemsOf = (shoppers: readonly Shopper[]) => shoppers.flatMap(({ problems }) => problems)

  test(
    'a new secret in three deploys fails no request, logs nobody out and loses no change',
    { timeout: LONG },
    async () => {
      const [before = {}, ...others] = steps
      expect(steps).toHaveLength(4)
      const rollout = await started(before, isNightly ? 4 : 2)
      const shoppers = shoppersOf(rollout, isNightly ? 40 : 8)
      for (const secrets of others) {
        await rollout.deploy(envOf(secrets))
      }
      await Promise.all(shoppers.map((shopper) => shopper.leave()))
      expect(problemsOf(shoppers)).toEqual([])
      expect(shoppers.filter(({ changes }) => changes < 10)).toEqual([])
      expect(new Set(rollout.exitCodes)).toEqual(new Set([0]))
    },
  )

  test('a pod that cannot reach Redis is alive, and not ready', async () => {
    const gone = await startRedis()
    await gone.stop()
    const pod = await PageProgram.start(at, 'server.js', { ...envOf(steps[0] ?? {}), REDIS_URL: gone.url })
    onTestFinished(() => pod.stop())
    const [ready, alive] = await Promise.all(['/ready', '/live'].map((path) => fetch(`${pod.origin}${path}`)))
    expect([ready?.status, alive?.status]).toEqual([503, 200])
  })

  test('while Redis restarts, no pod is ready and every pod is alive; then all are ready by themselves, and no session is lost', async () => {
    const [secrets = {}] = steps
    const rollout = await started(secrets, 2)
    const { pods, origin } = rollout
    const statuses = (path: string) =>
      Promise.all(pods.map(async (pod) => (await fetch(`${pod.origin}${path}`)).status))
    const visitor = new Visitor(origin)
    await visitor.post('/login', { ada: '' })

    await redis.kill()
    expect(await statuses('/ready')).toEqual([503, 503])
    expect(await statuses('/live')).toEqual([200, 200])
    expect((await visitor.post('/visit')).status).toBe(503)
    await redis.restart()
    expect(await comesTrue(async () => (await statuses('/ready')).every((status) => status === 200))).toBe(true)
    expect(await visitor.post('/visit')).toMatchObject({ status: 200, text: '{"user":"ada=","visits":1}' })
  })

  test('a new secret that comes first in one deploy logs users out', { timeout: LONG }, async () => {
    const [before = {}, , newestFirst = {}] = steps
    const rollout = await started(before, 1)
    const shoppers = shoppersOf(rollout, 8)
    await rollout.add(envOf(newestFirst))
    expect(await comesTrue(() => problemsOf(shoppers).length > 0)).toBe(true)
    await Promise.all(shoppers.map((shopper) => shopper.leave()))
    expect(new Set(problemsOf(shoppers).map((problem) => / was answered (\d+) /.exec(problem)?.[1]))).toEqual(
      new Set(['401']),
    )
  })
})
