import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../benchmarks/scale.js', import.meta.url))
const FEW = ['--sessions', '500', '--connections', '20', '--per-second', '100', '--slots', '100', '--calm', '1']

vi.setConfig({ testTimeout: 300_000 })

interface Results {
  readonly events: readonly { readonly name: string }[]
  readonly checked: { readonly sessions: number; readonly broken: number; readonly counts: Counts }
}

type Counts = Readonly<Record<string, { readonly acknowledged: number }>>

async function run(...options: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sess-scale-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const child = spawn(process.execPath, [PROGRAM, ...FEW, ...options, '--to', folder])
  const [stderr] = await Promise.all([text(child.stderr), text(child.stdout), once(child, 'close')])
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  const results = () => JSON.parse(read('scale.json')) as Results
  return { code: child.exitCode, stderr, results, chart: () => read('scale.svg') }
}

it('a run in which slots move and a master is killed loses no acknowledged change, and draws its chart', async () => {
  const { code, stderr, results, chart } = await run()
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const { events, checked } = results()
  expect(events.map(({ name }) => name)).toEqual(['move', 'kill', 'return'])
  expect(checked.broken).toBe(0)
  expect(checked.sessions).toBeGreaterThanOrEqual(500)
  for (const { acknowledged } of Object.values(checked.counts)) expect(acknowledged).toBeGreaterThan(0)
  expect(chart()).toContain('a master is killed')
})

it('a run in which Redis loses what it has acknowledged fails, and says so', async () => {
  const { code, stderr } = await run('--lagging')
  expect({ code, stderr }).toMatchObject({ code: 1 })
  expect(stderr).toMatch(/^[1-9]\d* acknowledged changes are lost/m)
})

it('a run in which a master refuses changes that no replica would get loses none', async () => {
  const { code, stderr, results } = await run('--lagging', '--min-replicas')
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(results().checked.broken).toBe(0)
})
