// A bar chart of what a session of 200 bytes costs: for each store the limit, @sess and its peers on each framework.
import { spread } from './ratio.js'

const BYTES = 200
const REQUESTS = ['reads', 'writes']
const [ROW, LABEL, PANEL, GAP, TOP] = [17, 290, 300, 40, 64]
const VERSIONS_A_LINE = 6

const STYLE = `
text { font: 11px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 14px; font-weight: 600 }
.store { font-weight: 600 }
.note, .value { fill: #59636e }
.bare { fill: #b6bec7 } .limit { fill: #6e7781 } .sess { fill: #0969da } .peer { fill: #d4702c }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .note, .value { fill: #9198a1 }
  .bare { fill: #3d444d } .limit { fill: #8b949e } .sess { fill: #4493f8 } .peer { fill: #e3924f }
}`

/** @param {string} text */
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

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
    lines.push(`<text class="store" x="0" y="${y + 12}">${escape(store)}</text>`)
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
  const kind = `${machine.processors} processors (${machine.model}), ${machine.system}, Node ${versions.node}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${y + 4}" role="img" aria-label="What a session costs on each store, for the limit, @sess and its peers">
<style>${STYLE}
</style>
<text class="title" x="0" y="16">Microseconds of the server's CPU time per request, ${BYTES}-byte session: less is better</text>
<text class="note" x="0" y="34">Grey: the cost of the bare framework. ${isShort ? 'A quick look. ' : ''}${escape(`${date}, @sess/core ${versions['@sess/core']}, ${kind}`)}</text>
${REQUESTS.map((request, at) => `<text class="store" x="${LABEL + PANEL * at}" y="${TOP - 6}">${request} a key</text>`).join('\n')}
${lines.join('\n')}
</svg>
`
}
