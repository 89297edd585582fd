// A bar chart of what a session of 200 bytes costs: for each store the limit, @sess and its peers on each framework.
import { spread } from './ratio.js'
import { escape, placeOf, svg } from './svg.js'

const BYTES = 200
const REQUESTS = ['reads', 'writes']
const [ROW, LABEL, PANEL, GAP, TOP] = [17, 290, 300, 40, 64]
const VERSIONS_A_LINE = 6

const STYLE = `.value { fill: #59636e }
.bare { fill: #b6bec7 } .limit { fill: #6e7781 } .sess { fill: #0969da } .peer { fill: #d4702c }`
const DARK = `.value { fill: #9198a1 }
  .bare { fill: #3d444d } .limit { fill: #8b949e } .sess { fill: #4493f8 } .peer { fill: #e3924f }`

const cost = (row) => spread(row.cpu).median

/** Sorts the limit first, then by framework, and @sess after its peer. */
const rank = ({ kind, framework }) => (kind === 'limit' ? '' : `${framework} ${kind}`)

/** @param {any} results of a run @returns {string} an SVG */
export function chart({ date, isShort, versions, machine, requests }) {
  const rows = requests.filter((row) => row.bytes === BYTES && REQUESTS.includes(row.request))
  const bareOf = (row) =>
    cost(
      rows.find(
        (one) => one.kind === 'bare' && ['store', 'request', 'framework'].every((key) => one[key] === row[key]),
      ),
    )
  const shown = rows.filter(({ kind }) => kind !== 'bare')
  const longest = Math.max(...shown.map(cost))
  const width = (us) => ((PANEL - GAP) * us) / longest

  let y = TOP
  const lines = []
  for (const store of new Set(shown.map((row) => row.store))) {
    lines.push(`<text class="strong" x="0" y="${y + 12}">${escape(store)}</text>`)
    y += ROW
    const onStore = shown.filter((row) => row.store === store)
    const names = new Set(onStore.toSorted((one, other) => rank(one).localeCompare(rank(other))).map((row) => row.name))
    for (const contestant of names) {
      lines.push(`<text x="12" y="${y + 12}">${escape(contestant)}</text>`)
      for (const row of onStore.filter((one) => one.name === contestant)) {
        const x = LABEL + PANEL * REQUESTS.indexOf(row.request)
        const [bare, whole] = [width(bareOf(row)), width(cost(row))]
        lines.push(
          `<rect class="bare" x="${x}" y="${y + 2}" width="${Math.min(bare, whole).toFixed(1)}" height="12"/>`,
          `<rect class="${row.kind}" x="${(x + bare).toFixed(1)}" y="${y + 2}" width="${Math.max(whole - bare, 0).toFixed(1)}" height="12"/>`,
          `<text class="value" x="${(x + Math.max(bare, whole) + 4).toFixed(1)}" y="${y + 12}">${cost(row).toFixed(0)}</text>`,
        )
      }
      y += ROW
    }
    y += ROW / 2
  }
  const total = LABEL + PANEL * REQUESTS.length
  const others = Object.entries(versions).filter(([name]) => !['node', '@sess/core'].includes(name))
  for (let at = 0; at < others.length; at += VERSIONS_A_LINE) {
    const text = others.slice(at, at + VERSIONS_A_LINE).map((one) => escape(one.join(' ')))
    lines.push(`<text class="note" x="0" y="${y + 12}">${text.join(', ')}</text>`)
    y += ROW
  }
  const heads = REQUESTS.map(
    (request, at) => `<text class="strong" x="${LABEL + PANEL * at}" y="${TOP - 6}">${request} a key</text>`,
  )
  return svg({
    width: total,
    height: y + 4,
    label: 'What a session costs on each store, for the limit, @sess and its peers',
    title: `Microseconds of the server's CPU time per request, ${BYTES}-byte session: less is better`,
    note: `Grey: the cost of the bare framework. ${isShort ? 'A quick look. ' : ''}${date}, @sess/core ${versions['@sess/core']}, ${placeOf({ machine, versions })}`,
    style: STYLE,
    dark: DARK,
    lines: [...heads, ...lines],
  })
}
