// What clients saw, second by second: requests, latency and failures, over bands for what happened to the Cluster.
import { placeOf, svg } from '../svg.js'
import { EVENTS, FAILURES } from './report.js'

const [LEFT, WIDTH] = [48, 842]
/** Of the first panel, of each panel, between two of them, and of the two lines with the names of events. */
const [TOP, HEIGHT, GAP, LABELS] = [104, 90, 44, 36]
/** Of a wide letter: letters differ. */
const LETTER = 6.2
const STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600]

const STYLE = `.axis { stroke: #d1d9e0; stroke-width: 1 } .line { fill: none; stroke-width: 1.6; stroke-linejoin: round }
.band { fill: #818b98; opacity: .16 } .edge { stroke: #818b98; stroke-width: 1 }
.one { stroke: #0969da } .two { stroke: #bc4c00 }
.unavailable, .one-fill { fill: #0969da } .conflict, .two-fill { fill: #bc4c00 } .unanswered { fill: #8250df } .other { fill: #d1242f }`
const DARK = `.axis { stroke: #3d444d } .one { stroke: #4493f8 } .two { stroke: #f0883e }
  .unavailable, .one-fill { fill: #4493f8 } .conflict, .two-fill { fill: #f0883e } .unanswered { fill: #ab7df8 } .other { fill: #f85149 }`

const round = (/** @type {number} */ value) => value.toFixed(1)

/** @param {readonly (readonly [name: string, className: string])[]} entries @param {number} y */
function legend(entries, y) {
  let x = LEFT + WIDTH
  return entries.toReversed().flatMap(([name, className]) => {
    x -= name.length * LETTER + 26
    return [
      `<rect class="${className}" x="${round(x)}" y="${y - 9}" width="10" height="10"/>`,
      `<text x="${round(x + 14)}" y="${y}">${name}</text>`,
    ]
  })
}

/** The least round number that is not below. @param {number} value */
function ceiling(value) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(value, 10)))
  return unit * ([1, 1.2, 1.6, 2, 3, 4, 6, 8].find((step) => step * unit >= value) ?? 10)
}

/** @param {import('./report.js').Results} results @returns {string} an SVG */
export function plot(results) {
  const { date, given, events, seconds } = results
  const x = (/** @type {number} */ second) => LEFT + (WIDTH * second) / seconds.length
  const bottom = TOP + 3 * HEIGHT + 2 * GAP
  const lines = events.map(({ name, from }, index) => {
    const text = EVENTS[name](given)
    const isLate = x(from) + text.length * LETTER > LEFT + WIDTH
    const [at, anchor] = isLate ? [LEFT + WIDTH, 'end'] : [x(from), 'start']
    return `<text class="strong" x="${round(at)}" y="${TOP - (index % 2 === 0 ? 20 : 6)}" text-anchor="${anchor}">${text}</text>`
  })

  /** @param {number} index @param {string} title @param {readonly (readonly [number, string])[]} ticks parts of the height */
  const panel = (index, title, ticks) => {
    const top = TOP + index * (HEIGHT + GAP)
    const base = top + HEIGHT
    const titled = index === 0 ? top - LABELS : top
    lines.push(`<text class="strong" x="${LEFT}" y="${titled - 8}">${title}</text>`)
    for (const { from, to } of events) {
      lines.push(
        `<rect class="band" x="${round(x(from))}" y="${top}" width="${round(x(to) - x(from))}" height="${HEIGHT}"/>`,
        `<line class="edge" x1="${round(x(from))}" y1="${top}" x2="${round(x(from))}" y2="${base}"/>`,
      )
    }
    for (const [part, text] of ticks) {
      const y = base - part * HEIGHT
      lines.push(
        `<line class="axis" x1="${LEFT}" y1="${round(y)}" x2="${LEFT + WIDTH}" y2="${round(y)}"/>`,
        `<text class="note" x="${LEFT - 6}" y="${round(y + 4)}" text-anchor="end">${text}</text>`,
      )
    }
    return { top, y: (/** @type {number} */ part) => base - Math.min(1, Math.max(0, part)) * HEIGHT }
  }
  /** `null`: there is nothing to show for that second. @param {string} className @param {readonly (number | null)[]} heights */
  const curve = (className, heights) => {
    const points = heights.map((y, second) => (y === null ? '|' : `${round(x(second + 0.5))},${round(y)}`))
    for (const part of points.join(' ').split('|')) {
      if (part.trim() !== '') lines.push(`<polyline class="line ${className}" points="${part.trim()}"/>`)
    }
  }

  const most = ceiling(Math.max(...seconds.map(({ succeeded }) => succeeded)))
  const requests = panel(0, 'Requests that succeeded, per second', [
    [0, '0'],
    [0.5, (most / 2).toLocaleString('en')],
    [1, most.toLocaleString('en')],
  ])
  curve(
    'one',
    seconds.map(({ succeeded }) => requests.y(succeeded / most)),
  )

  const decades = Math.ceil(Math.log10(Math.max(100, ...seconds.map(({ p99 }) => p99))))
  const latency = panel(
    1,
    'Milliseconds until the answer, failures included',
    Array.from({ length: decades + 1 }, (_, decade) => [decade / decades, (10 ** decade).toLocaleString('en')]),
  )
  for (const [key, className] of /** @type {const} */ ([
    ['p99', 'two'],
    ['p50', 'one'],
  ]))
    curve(
      className,
      seconds.map(({ [key]: ms }) => (ms === null ? null : latency.y(Math.log10(Math.max(ms, 1)) / decades))),
    )
  lines.push(
    ...legend(
      [
        ['median', 'one-fill'],
        ['99th percentile', 'two-fill'],
      ],
      latency.top - 8,
    ),
  )

  const kinds = Object.keys(FAILURES).filter((kind) => seconds.some((second) => second[kind] > 0))
  const failuresOf = (second) => kinds.reduce((sum, kind) => sum + second[kind], 0)
  const worst = ceiling(Math.max(...seconds.map(failuresOf)))
  const failures = panel(2, 'Requests that failed, per second', [
    [0, '0'],
    [1, worst.toLocaleString('en')],
  ])
  for (const [at, second] of seconds.entries()) {
    let sum = 0
    for (const kind of kinds.filter((one) => second[one] > 0)) {
      const [low, high] = [failures.y(sum / worst), failures.y((sum += second[kind]) / worst)]
      lines.push(
        `<rect class="${kind}" x="${round(x(at + 0.1))}" y="${round(high)}" width="${round(x(0.8) - x(0))}" height="${round(low - high)}"/>`,
      )
    }
  }
  lines.push(
    ...legend(
      kinds.map((kind) => [FAILURES[kind], kind]),
      failures.top - 8,
    ),
  )

  const step = STEPS.find((one) => seconds.length / one <= 12) ?? 300
  for (let second = 0; second <= seconds.length; second += step) {
    lines.push(`<text class="note" x="${round(x(second))}" y="${bottom + 16}" text-anchor="middle">${second} s</text>`)
  }
  const [sessions, connections] = [given.sessions, given.connections].map((amount) => amount.toLocaleString('en'))
  return svg({
    width: LEFT + WIDTH,
    height: bottom + 20,
    label: `Requests, latency and failures, second by second, while slots of a Redis Cluster move, and while one of its masters is killed and comes back`,
    title: `${sessions} sessions in a Redis Cluster, ${connections} connections to ${given.servers} servers`,
    note: `${date}, @sess/core ${results.versions['@sess/core']}, Redis ${results.versions['redis-server']}, all processes on ${placeOf(results)}`,
    style: STYLE,
    dark: DARK,
    lines,
  })
}
