// Compares two builds of core: `node builds.js FOLDER`, where FOLDER is the `dist` of another one. Both are in one process and
// take turns, on the memory store and without HTTP, where core is nearly all that a request costs. Each build is there twice: two copies
// of the same code differ too, and the last column says by how much.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import memory from '@sess/adapter-memory'
import { createAdapterContext } from '@sess/core/adapter'
import { ratio, show, shuffled } from './ratio.js'
import { SECRET, sessionOf } from './session.js'
import { table } from './table.js'
import { USES, visit } from './visit.js'

const WIDTH = 64
const REQUESTS = 2000
const ROUNDS = 150
const OURS = fileURLToPath(new URL('../packages/core/dist', import.meta.url))
const [, , other] = process.argv
if (other === undefined) throw new Error('Name the folder of the other build, such as ../before/packages/core/dist.')

// Within the package, so that the copies find what core depends on.
const folder = mkdtempSync(fileURLToPath(new URL('../node_modules/.builds-', import.meta.url)))
process.on('exit', () => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')

const context = createAdapterContext({ secret: SECRET })

/** @param {string} name @param {string} dist */
async function copyOf(name, dist) {
  cpSync(dist, join(folder, name), { recursive: true })
  /** @type {typeof import('@sess/core')} */
  const { sessions } = await import(pathToFileURL(join(folder, name, 'index.js')).href)
  const sess = sessions(memory({ scope: name, maxEntries: 8_000_000 }, context), { secret: SECRET })
  const begin = () => visit(sess, null, (session) => void Object.assign(session, sessionOf(200)))
  return { name, sess, cookies: await Promise.all(Array.from({ length: WIDTH }, begin)) }
}

const copies = [
  await copyOf('other', other),
  await copyOf('ours', OURS),
  await copyOf('other again', other),
  await copyOf('ours again', OURS),
]

const rows = []
for (const [use, act] of Object.entries(USES)) {
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(copies.map(({ name }) => [name, []]))
  for (let round = -10; round < ROUNDS; round++) {
    for (const copy of shuffled(copies)) {
      const before = process.cpuUsage()
      for (let done = 0; done < REQUESTS; done++) {
        const at = done % WIDTH
        copy.cookies[at] = await visit(copy.sess, copy.cookies[at] ?? null, act)
      }
      const { user, system } = process.cpuUsage(before)
      if (round >= 0) times[copy.name]?.push((user + system) / REQUESTS)
    }
  }
  /** @param {string} name */
  const both = (name) =>
    (times[name] ?? []).map((time, round) => time + (times[`${name} again`]?.[round] ?? Number.NaN))
  const [ours, others] = [both('ours'), both('other')]
  rows.push([use, show(ratio(ours, others), 3), show(ratio(times['other again'] ?? [], times['other'] ?? []), 3)])
}
console.log(table(['request', 'ours : other', 'other : other'], rows))
