// What a run of `scale` says in words.
import { table } from '../table.js'

/**
 * @typedef {object} Results of a run; times are in seconds, those of events since the load began
 * @property {{ sessions: number, connections: number, servers: number, perSecond: number, slots: number }} given
 * @property {{ took: number, bytesPerSession: number }} began
 * @property {readonly { name: 'move' | 'cut' | 'kill' | 'return', from: number, to: number, keys?: number }[]} events
 * @property {readonly Record<string, number | null>[]} seconds of the load; `null`: nothing was answered
 * @property {{ sessions: number, lostSessions: number, lostChanges: number, revived: number,
 *   counts: Record<string, { acknowledged: number, unknown: number }> }} checked
 */

/** How requests fail, in the words of the chart. */
export const FAILURES = {
  unavailable: '503 UNAVAILABLE',
  conflict: '409 CONFLICT',
  unanswered: 'no answer',
  other: 'another status',
}

/** What happens to the Cluster, in the words of the chart. @type {Record<string, (given: Results['given']) => string>} */
export const EVENTS = {
  move: ({ slots }) => `${slots.toLocaleString('en')} slots move`,
  cut: () => 'a replica is cut off',
  kill: () => 'a master is killed',
  return: () => 'it comes back, as a replica',
}

const number = (/** @type {number} */ value) => Math.round(value).toLocaleString('en')
const sum = (/** @type {readonly number[]} */ values) => values.reduce((total, value) => total + value, 0)
const failuresOf = (second) => sum(Object.keys(FAILURES).map((kind) => second[kind]))

/** Milliseconds until the median request of a second is answered, where nothing has happened to the Cluster. */
const BUSY = 50

/** Whether the machine could not keep up, long before the first event. @param {Results} results */
export function isBusy({ events, seconds }) {
  const calm = seconds.slice(0, Math.floor(events[0].from))
  return calm.filter(({ p50 }) => p50 === null || p50 > BUSY).length > calm.length / 2
}

/** @param {Results} results @returns {string} a table */
export function report({ given, began, events, seconds, checked }) {
  const { counts } = checked
  const changes = Object.keys(counts).filter((act) => act !== 'read')
  const total = (/** @type {'acknowledged' | 'unknown'} */ outcome) => sum(changes.map((act) => counts[act][outcome]))
  /** What failed from the beginning of an event to that of the next one. @param {string} name */
  const failed = (name) => {
    const at = events.findIndex((event) => event.name === name)
    const [from, to] = [events[at].from, events[at + 1]?.from ?? seconds.length]
    const during = seconds.map((second, index) => ({ index, failures: failuresOf(second) }))
    const own = during.filter(({ index, failures }) => failures > 0 && index + 1 > from && index + 1 <= to)
    const last = own.at(-1)
    const until = last === undefined ? '' : `, the last one within ${Math.ceil(last.index + 1 - from)} s`
    return `${number(sum(own.map(({ failures }) => failures)))} requests failed${until}`
  }
  const lasted = (/** @type {string} */ name) => {
    const { from, to } = events.find((event) => event.name === name)
    return `${(to - from).toFixed(1)} s`
  }
  const { keys } = events.find(({ name }) => name === 'move')
  return table(
    ['', 'measured'],
    [
      [
        'sessions',
        `${number(given.sessions)}, begun in ${number(began.took)} s; ${began.bytesPerSession} bytes each on a master`,
      ],
      [
        'load',
        `${number(given.connections)} connections to ${given.servers} servers, ${number(given.perSecond)} requests per second`,
      ],
      [
        `${number(given.slots)} slots with ${number(keys)} sessions are moved`,
        `in ${lasted('move')}; ${failed('move')}`,
      ],
      ['a master is killed', `its replica takes over after ${lasted('kill')}; ${failed('kill')}`],
      ['it comes back', `as a replica in step, after ${lasted('return')}; ${failed('return')}`],
      [
        'changes that were acknowledged',
        `${number(total('acknowledged'))}, of which ${number(checked.lostSessions + checked.lostChanges + checked.revived)} were lost`,
      ],
      ['changes of unknown outcome (503, or no answer)', number(total('unknown'))],
      [
        'sessions read at the end',
        `${number(checked.sessions)}; ${checked.lostSessions} missing, ${checked.revived} alive after their logout`,
      ],
    ],
  )
}
