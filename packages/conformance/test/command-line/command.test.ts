import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { main } from '../../src/command-line/command.ts'
import { type Ran, runNode, SPAWN_TIMEOUT } from '../support/spawn.ts'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
}

/** Runs the command in this process. */
async function run(...args: readonly string[]): Promise<Ran> {
  const [out, err] = [new Text(), new Text()]
  const code = await main(args, { out, err })
  return { code, out: out.text, err: err.text }
}

class Text extends Writable {
  text = ''

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** Runs the installed command in its own process. */
function spawnCli(...args: readonly string[]): Promise<Ran> {
  return runNode([CLI, ...args])
}

describe('the exit code', { timeout: SPAWN_TIMEOUT }, () => {
  it('is 0 when every clause that was run is kept', async () => {
    const { code, out } = await spawnCli(fixture('good.js'), '--only', '1')
    expect(code).toBe(0)
    expect(out).toMatch(/^The map store keeps every clause that was run\.$/m)
  })

  it('is 1 when a clause is broken', async () => {
    const { code, out } = await spawnCli(fixture('broken.js'), '--only', '1.1', '--only', '1.2')
    expect(code).toBe(1)
    expect(out).toMatch(/^The map store breaks 1\.2\.$/m)
  })

  it.each([
    ['a module that does not exist', ['nowhere.js'], /Cannot find module/],
    ['a module that throws', [fixture('rotten.js')], /the module is rotten/],
    [
      'a module that exports neither an adapter nor a harness',
      [fixture('neither.js')],
      /is neither an adapter nor a harness/,
    ],
    ['no module', [], /Give exactly one MODULE\.\n\nUsage: sess-conformance MODULE/],
    ['two modules', [fixture('good.js'), fixture('good.js')], /Give exactly one MODULE/],
    ['an unknown flag', [fixture('good.js'), '--unknown'], /--unknown/],
    ['a flag without its value', [fixture('good.js'), '--only'], /--only/],
    ['options that are not JSON', [fixture('adapter.js'), '--options', '{'], /JSON/],
    ['options that are not an object', [fixture('adapter.js'), '--options', '1'], /--options must be a JSON object/],
    ['an adapter without flags', [fixture('adapter.js')], /The harness has no backend\. Give backend: /],
    ['an adapter without --scope', [fixture('adapter.js'), '--in-process'], /--scope NAME/],
    ['--tcp without --address', [fixture('adapter.js'), '--scope', 'scope', '--tcp', '127.0.0.1:1'], /--address NAME/],
    ['a clause that does not exist', [fixture('good.js'), '--only', '11'], /No case was run/],
  ])('is 2 for %s, and the error says why', async (_, args, why) => {
    const { code, out, err } = await run(...args)
    expect(code).toBe(2)
    expect(err).toMatch(/^The suite could not run\. /)
    expect(err).toMatch(why)
    expect(out).toBe('')
  })

  it('is 2 in its own process too', async () => {
    const { code, err } = await spawnCli('nowhere.js')
    expect(code).toBe(2)
    expect(err).toMatch(/^The suite could not run\. /)
  })

  it('is 3 when no clause is broken, but the store was too slow to decide one', async () => {
    const { code, out } = await run(fixture('slow.js'), '--only', '2.1', '--only', '7.6')
    expect(code).toBe(3)
    expect(out).toMatch(/^2\.1 {2}TOO SLOW {2}0 of 1 /)
    expect(out).toMatch(/^The map store is too slow here to decide 2\.1\.$/m)
  })

  it('is set even if the store would keep the process alive', async () => {
    const { code } = await spawnCli(fixture('staying.js'), '--only', '2.1')
    expect(code).toBe(0)
  })
})

describe('what it runs', { timeout: SPAWN_TIMEOUT }, () => {
  it('is an adapter, with the options that flags give it', async () => {
    const { code, out, err } = await run(fixture('adapter.js'), '--scope', 'scope', '--in-process', '--only', '5.1')
    expect([code, err]).toEqual([0, expect.stringContaining('5.1 keeps scopes apart')])
    expect(out).toMatch(/^5\.1 {2}kept {6}4 of 4 /)
  })

  it('gets --options, which an adapter can refuse', async () => {
    const args = [fixture('adapter.js'), '--scope', 'scope', '--in-process', '--options', '{"colour":1}']
    const { code, err } = await run(...args, '--only', '2.1')
    expect([code, err]).toEqual([2, expect.stringContaining('Option map."colour" is not known')])
  })

  it('can be a CommonJS module that was compiled from an ES module', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'compiled.cjs')
    const lines = [
      "Object.defineProperty(exports, '__esModule', { value: true })",
      `exports.default = require(${JSON.stringify(fixture('adapter.js'))}).default`,
    ]
    writeFileSync(path, lines.join('\n'))
    const { code, out } = await spawnCli(path, '--scope', 'scope', '--in-process', '--only', '2.1')
    expect([code, out]).toEqual([0, expect.stringMatching(/^2\.1 {2}kept/)])
  })

  it('is what --only names: a clause, or all of a section', async () => {
    const { err } = await run(fixture('good.js'), '--only', '1.2', '--only', '5')
    const clauses = [...err.matchAll(/ ms {2}(\d+\.\d+) /g)].map(([, clause = '']) => clause)
    expect([...new Set(clauses)].toSorted()).toEqual(['1.2', '5.1', '5.2', '5.3'])
  })

  it('is not 10.1 for --only 1', async () => {
    const { err } = await run(fixture('good.js'), '--only', '1')
    expect(err).not.toMatch(/ 10\.\d /)
  })
})

describe('what it prints', { timeout: SPAWN_TIMEOUT }, () => {
  it('calls a clause partly kept if a case was skipped, and says at the end why', async () => {
    const { code, out } = await run(fixture('good.js'), '--only', '10.2')
    expect(code).toBe(0)
    expect(out).toMatch(/^10\.2 partly {4}3 of 5 /)
    expect(out).toContain(
      "\nThese clauses were not tried in full on the map store:\n  10.2: backend: 'in-process' has no restart\n",
    )
  })

  it('is a breach of 7.7 if an error was not handled, whatever --only names', async () => {
    const { code, out } = await spawnCli(fixture('rejecting.js'), '--only', '2.1')
    expect(code).toBe(1)
    expect(out).toMatch(
      /received: 6 × an unhandled rejection \(Error: nobody handles this\), during "2\.1 reads an unknown key as null/,
    )
  })

  it('is a line for each clause, followed by its broken and skipped cases', async () => {
    const { out } = await run(fixture('broken.js'), '--only', '1.1', '--only', '1.2', '--only', '7.3')
    expect(out.split('\n').map((line) => line.replace(/\d+ ms$/, 'N ms'))).toEqual([
      '1.1  kept      4 of 4    N ms',
      '1.2  BROKEN    0 of 1    N ms',
      '  1.2 refuses a taken key and leaves its entry untouched',
      expect.stringMatching(/^ {4}clause 1\.2 is broken: /),
      '    checked:  create of a taken key',
      '    expected: null',
      expect.stringMatching(/^ {4}received: '/),
      expect.stringMatching(/^ {4}hint: {5}Insert only if /),
      '    contract: docs/contract.md#clause-1.2',
      '7.3  skipped   0 of 1    N ms',
      '  7.3 reports foreign bytes as CORRUPT and lets destroy remove them',
      "    skipped: backend: 'in-process' has no plant",
      '',
      'These clauses were not tried in full on the map store:',
      "  7.3: backend: 'in-process' has no plant",
      '',
      'The map store breaks 1.2. 1 case was skipped.',
      '',
    ])
  })

  it('includes the outcome of a case that the store is exempt from', async () => {
    const { code, out } = await run(fixture('lacking.js'), '--only', '1.3', '--only', '2.1')
    expect(code).toBe(0)
    expect(out).toMatch(
      /^1\.3 {2}skipped .*\n.*\n {4}skipped: the store lacks 'atomic'; the case was run anyway, and it failed:\n {4}clause 1\.3 is broken: /,
    )
  })

  it('is progress on the standard error, as cases end', async () => {
    const { err } = await run(fixture('broken.js'), '--only', '1.2', '--only', '7.3')
    expect(
      err
        .split('\n')
        .map((line) => line.replace(/ +\d+ ms/, ' N ms'))
        .toSorted(),
    ).toEqual([
      '',
      'broken N ms  1.2 refuses a taken key and leaves its entry untouched',
      'skipped N ms  7.3 reports foreign bytes as CORRUPT and lets destroy remove them',
    ])
  })

  it('is JSON with --json, and no progress', async () => {
    const { code, out, err } = await spawnCli(
      fixture('broken.js'),
      '--json',
      '--only',
      '1.2',
      '--only',
      '2',
      '--only',
      '7.3',
    )
    const { store, kind, counts, outcomes } = JSON.parse(out)
    expect([code, err]).toEqual([1, ''])
    expect({ store, kind, counts }).toEqual({
      store: 'map',
      kind: 'server',
      counts: { kept: 6, broken: 1, slow: 0, skipped: 1, exempt: 0 },
    })
    expect(outcomes).toHaveLength(8)
    expect(outcomes[0]).toMatchObject({ clause: '1.2', status: 'broken', took: expect.any(Number) })
  })

  it('is the usage, with --help', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    for (const flag of ['options', 'scope', 'address', 'tcp', 'in-process', 'only', 'json'])
      expect(out).toContain(`  --${flag} `)
  })
})
