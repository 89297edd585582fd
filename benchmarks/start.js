// Measures the chosen parts, and writes results, tables and the chart: those of a full run to results/, which pages show.
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { chart } from './chart.js'
import { STORES } from './contestants/index.js'
import { surroundings } from './surroundings.js'
import * as growth from './parts/growth.js'
import * as hot from './parts/hot.js'
import * as observing from './parts/observing.js'
import * as owners from './parts/owners.js'
import * as footprint from './parts/footprint.js'
import * as requests from './parts/requests.js'
import * as start from './parts/start.js'

/**
 * Which measurements of a part to run.
 *
 * @typedef {object} Wanted
 * @property {(store: string) => boolean} isWanted
 * @property {boolean} isShort a quick look, with few rounds
 */

/** @type {Record<string, { measure: (wanted: Wanted) => Promise<unknown>, report: (result: unknown) => string }>} */
const PARTS = { requests, growth, hot, owners, observing, footprint, start }

const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
})
const only = values.only.split(',').filter((word) => word !== '')
const unknown = only.find((word) => !(word in PARTS) && !STORES.includes(word))
if (unknown !== undefined) {
  throw new Error(
    `--only takes ${[...Object.keys(PARTS), ...STORES].join(', ')}, separated by commas, but was given ${unknown}.`,
  )
}
const parts = Object.keys(PARTS).filter((part) => only.includes(part))
const stores = STORES.filter((store) => only.includes(store))
const wanted = {
  isShort: values.short,
  isWanted: (/** @type {string} */ store) => stores.length === 0 || stores.includes(store),
}

/** @type {Record<string, unknown>} */
const results = { ...surroundings(), isShort: values.short }
const reports = []
for (const part of parts.length > 0 ? parts : Object.keys(PARTS)) {
  const began = performance.now()
  results[part] = await PARTS[part].measure(wanted)
  reports.push(`## ${part}\n\n${PARTS[part].report(results[part])}\n`)
  console.log(reports.at(-1))
  console.error(`${part} took ${((performance.now() - began) / 60_000).toFixed(0)} minutes`)
}

// A short or partial run must not overwrite the results that the pages show.
const folder = new URL(values.short || only.length > 0 ? 'results/partial/' : 'results/', import.meta.url)
mkdirSync(folder, { recursive: true })
// Puts each list of numbers on one line: there are three hundred rows with four lists each.
const json = JSON.stringify(results, null, 1).replace(/\[[-\d\s.,e]+\]/g, (list) => list.replace(/\s+/g, ' '))
writeFileSync(new URL('results.json', folder), `${json}\n`)
writeFileSync(new URL('tables.md', folder), reports.join('\n'))
if (results['requests'] !== undefined) writeFileSync(new URL('requests.svg', folder), chart(results))
