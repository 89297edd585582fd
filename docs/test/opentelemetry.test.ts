import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Prometheus, promtool, startPrometheus } from '../../scripts/servers/prometheus.js'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { ANY_PORT } from './support/any-port.ts'
import { Document, ROOT } from './support/document.ts'
import { workspace } from './support/workspace.ts'

const PACKAGE = join(ROOT, 'packages/opentelemetry')
const page = new Document('packages/opentelemetry/README.md')
const ALERTS = readFileSync(join(PACKAGE, 'sess-alerts.yml'), 'utf8')

/** The job of the page, and the same metrics under the names that an OpenTelemetry Collector gives them. */
const JOBS = ['shop', 'collector']

/** How long until a scrape has seen what happened. */
const LONG = 40_000

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

interface Variable {
  readonly name: string
  readonly type: string
  readonly query: string | { readonly query: string }
}

interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly templating: { readonly list: readonly Variable[] }
  readonly panels: readonly (Panel & { readonly id: number; readonly type: string; readonly datasource?: unknown })[]
}

const dashboard: Dashboard = JSON.parse(readFileSync(join(PACKAGE, 'grafana.json'), 'utf8'))

const expressions = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => [title, expr] as const),
)

/** What Grafana sends: it puts the values of the variables into an expression. */
const sent = (expr: string, job: string) =>
  expr.replaceAll('$__rate_interval', '20s').replaceAll('$job', job).replaceAll('$store', '.*')

/** A result of Prometheus: a series of a vector. */
interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

class Shop {
  readonly #at = workspace(new Installation())
  readonly #child
  readonly #ports: Promise<readonly number[]>

  /** Runs the page's command, with the page's telemetry.mjs and an application that meets every case. */
  constructor(env: Readonly<Record<string, string>>) {
    const server = readFileSync(fileURLToPath(new URL('support/shop.js', import.meta.url)), 'utf8')
    const { 'telemetry.mjs': telemetry = '' } = page.files
    this.#at.write({ 'telemetry.mjs': telemetry, 'server.mjs': server })
    const [, command] = page.blocks.filter(({ language }) => language === 'sh')
    const [program = '', ...args] = command?.text.split(' ') ?? []
    // Nothing listens where the SDK sends traces and logs by default.
    const off = { OTEL_TRACES_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }
    this.#child = spawn(program, args, {
      cwd: this.#at.path,
      env: { ...process.env, NODE_ENV: '', ...off, NODE_OPTIONS: `--import=${ANY_PORT}`, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#ports = this.#readPorts()
  }

  /** The exporter of metrics is the first to listen. */
  async #readPorts(): Promise<readonly number[]> {
    const ports: number[] = []
    for await (const line of createInterface(this.#child.stdout)) {
      ports.push(Number(/^port (\d+)$/.exec(line)?.[1]))
      if (ports.length === 2) return ports
    }
    throw new Error('The application has ended.')
  }

  async metricsAt(): Promise<string> {
    return `127.0.0.1:${(await this.#ports)[0]}`
  }

  /** Makes requests one after the other, as one browser. Resolves with the status of each. */
  async visit(paths: readonly string[], cookie = ''): Promise<readonly number[]> {
    const statuses: number[] = []
    let sending = cookie
    for (const path of paths) {
      const response = await fetch(`http://127.0.0.1:${(await this.#ports)[1]}${path}`, {
        headers: { cookie: sending },
      })
      await response.arrayBuffer()
      statuses.push(response.status)
      sending = response.headers.getSetCookie()[0]?.split(';')[0] ?? sending
    }
    return statuses
  }

  /** Everything that the dashboard shows happens once. */
  async everything(): Promise<void> {
    expect(await this.visit(['/note', '/conflict', '/retry', '/read', '/logout'])).toEqual([200, 409, 200, 200, 200])
    expect(await this.visit(['/note', '/dead', '/late'])).toEqual([200, 503, 200])
    expect(await this.visit(['/dead/note'])).toEqual([503])
    expect(await this.visit(['/note', '/login'])).toEqual([200, 200])
    expect(await this.visit(['/login', '/revoke'])).toEqual([200, 200])
    expect(await this.visit(['/read'], `former=${Math.random()}`)).toEqual([200])
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'close')
    this.#at.remove()
  }
}

/** The page's prometheus.yml, for that target, with a scrape each second, and a job that gives names as a Collector does. */
function configFor(target: string): string {
  const { 'prometheus.yml': text = '' } = page.files
  const config = text
    .replace('scrape_interval: 15s', 'scrape_interval: 1s\n  evaluation_interval: 1s')
    .replace('127.0.0.1:9464', target)
  return `${config}
  - job_name: collector
    static_configs:
      - targets: ['${target}']
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: (sess_.*_duration)_(.*)
        replacement: \${1}_seconds_\${2}
        target_label: __name__
`
}

let redis: Redis
let dead: Redis
let shop: Shop
let prometheus: Prometheus

beforeAll(async () => {
  redis = await startRedis()
  dead = await startRedis()
  shop = new Shop({ REDIS_URL: redis.url, DEAD_URL: dead.url })
  await dead.kill()
  prometheus = await startPrometheus({
    config: configFor(await shop.metricsAt()),
    files: { 'sess-alerts.yml': ALERTS },
  })
}, LONG)

afterAll(async () => {
  await prometheus?.stop()
  await shop?.stop()
  await Promise.all([redis, dead].map((server) => server?.stop()))
})

async function ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
  const response = await fetch(`${prometheus.origin}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
  const answer = (await response.json()) as { status: string; error?: string; data: T }
  if (answer.status !== 'success') throw new Error(answer.error)
  return answer.data
}

const query = async (expr: string): Promise<readonly Series[]> =>
  (await ask<{ result: readonly Series[] }>('query', { query: expr })).result

/** Lets everything happen again and again, until that is so. */
async function happensUntil(condition: () => Promise<void>): Promise<void> {
  await vi.waitFor(
    async () => {
      await shop.everything()
      await condition()
    },
    { timeout: LONG / 2, interval: 500 },
  )
}

const isPositive = ({ value: [, text] }: Series) => Number(text) > 0

describe('the dashboard', { timeout: LONG }, () => {
  it('has what Grafana needs to import it', () => {
    const { uid, title, schemaVersion, templating, panels } = dashboard
    expect([uid, title, schemaVersion]).toEqual(['sess', 'Sessions (@sess)', 39])
    expect(templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['job', 'query'],
      ['store', 'query'],
    ])
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const sources = panels.filter(({ type }) => type !== 'row').map(({ datasource }) => datasource)
    expect(new Set(sources.map((source) => JSON.stringify(source)))).toEqual(
      new Set(['{"type":"prometheus","uid":"${datasource}"}']),
    )
  })

  it.each(JOBS)('has data for each of its expressions, of the job %s', async (job) => {
    expect(expressions.length).toBeGreaterThan(15)
    await happensUntil(async () => {
      const results = await Promise.all(
        expressions.map(async ([title, expr]) => ({
          title,
          expr,
          data: (await query(sent(expr, job))).some(isPositive),
        })),
      )
      expect(results.filter(({ data }) => !data)).toEqual([])
    })
  })

  it('tells errors, outcomes, work and ends apart', async () => {
    const ours = { 'match[]': '{__name__=~"sess_.*"}' }
    const labels = async (label: string) => ask<readonly string[]>(`label/${label}/values`, ours)
    await happensUntil(async () => {
      expect(await labels('error_type')).toEqual(['CONFLICT', 'UNAVAILABLE'])
      expect(await labels('sess_end_reason')).toEqual(['expired', 'limit', 'logout', 'revoked'])
      expect(await labels('sess_open_outcome')).toEqual(['found', 'none'])
      expect(await labels('sess_commit_work')).toEqual(expect.arrayContaining(['create', 'end', 'rotate', 'update']))
    })
  })

  it('offers the jobs and the stores that there are', async () => {
    const offered = dashboard.templating.list.flatMap(({ query: asked }) =>
      typeof asked === 'string' ? [] : [/^label_values\((.*), (\w+)\)$/.exec(asked.query) ?? []],
    )
    await happensUntil(async () => {
      const values = await Promise.all(
        offered.map(([, selector = '', label = '']) => ask(`label/${label}/values`, { 'match[]': selector })),
      )
      expect(values).toEqual([['collector', 'shop'], ['redis']])
    })
  })
})

describe('the page', { timeout: LONG }, () => {
  it('has every metric under its name in Prometheus', async () => {
    const listed = [...page.prose.matchAll(/^\| `(sess\.[\w.]+)` +\| `(sess_\w+)` /gm)].map(([, , name = '']) => name)
    await happensUntil(async () => {
      const names = await ask<readonly string[]>('label/__name__/values', { 'match[]': '{job="shop"}' })
      const metrics = names
        .filter((name) => name.startsWith('sess_'))
        .map((name) => name.replace(/_(?:bucket|count|sum)$/, ''))
      expect(new Set(metrics)).toEqual(new Set(listed))
    })
  })

  it('has every label of a metric', async () => {
    await shop.everything()
    const labels = (await ask<readonly string[]>('labels', { 'match[]': '{__name__=~"sess_.*"}' })).filter((name) =>
      /^(?:sess|error)_/.test(name),
    )
    const names = [...page.prose.matchAll(/`((?:sess|error)\.[\w.]+)`/g)].map(([, name = '']) => name)
    const listed = new Set(names.map((name) => name.replaceAll('.', '_')))
    expect(labels.length).toBeGreaterThan(5)
    expect(labels.filter((label) => !listed.has(label))).toEqual([])
  })
})

describe('the alerts', { timeout: LONG }, () => {
  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'sess-alerts-'))
    onTestFinished(() => rmSync(path, { recursive: true, force: true }))
    return path
  }

  it('are rules that Prometheus takes', async () => {
    expect(await promtool(['check', 'rules', join(PACKAGE, 'sess-alerts.yml')], folder())).toMatchObject({
      failed: false,
    })
  })

  it('fire when they should, and not before', async () => {
    const tests = fileURLToPath(new URL('support/sess-alerts.test.yml', import.meta.url))
    expect(await promtool(['test', 'rules', tests], folder())).toMatchObject({ failed: false })
  })

  it('can be evaluated on what is scraped, and see that a store is unavailable', async () => {
    interface Rule {
      readonly name: string
      readonly health: string
      readonly state: string
    }
    await happensUntil(async () => {
      const { groups } = await ask<{ groups: readonly { rules: readonly Rule[] }[] }>('rules')
      const rules = groups.flatMap((group) => group.rules)
      expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
      expect(rules.filter(({ state }) => state === 'pending').map(({ name }) => name)).toContain('SessStoreUnavailable')
    })
  })
})
