import { median as medianOf, quantile } from 'simple-statistics'

/**
 * @typedef {object} Spread
 * @property {number} low the first quartile
 * @property {number} median
 * @property {number} high the third quartile
 */

/** @param {readonly number[]} values @returns {Spread} */
export function spread(values) {
  const [low, median, high] = [0.25, 0.5, 0.75].map((part) => quantile([...values], part))
  return { low, median, high }
}

/**
 * `one` divided by `other`, round by round: a machine that slows down between two rounds does so for both.
 *
 * @param {readonly number[]} one
 * @param {readonly number[]} other
 */
export function ratio(one, other) {
  return spread(one.map((value, round) => value / (other[round] ?? Number.NaN)))
}

/**
 * What `one` takes in addition to `bare`, divided by what `other` does: the ratio of the medians, with the lowest and
 * the highest sitting instead of quartiles. A ratio per round would be meaningless, since each of its terms is a small
 * difference between two large figures.
 *
 * @param {readonly number[]} one
 * @param {readonly number[]} other
 * @param {readonly number[]} bare
 * @param {number} sittings across which the rounds are divided evenly
 * @returns {Spread}
 */
export function costRatio(one, other, bare, sittings) {
  const more = (values, from, to) => medianOf(values.slice(from, to).map((value, at) => value - bare[from + at]))
  const ratioOf = (from, to) => more(one, from, to) / more(other, from, to)
  const rounds = bare.length / sittings
  const each = Array.from({ length: sittings }, (_, at) => ratioOf(at * rounds, (at + 1) * rounds))
  return { low: Math.min(...each), median: ratioOf(0, bare.length), high: Math.max(...each) }
}

/** @param {Spread} spread @param {number} [digits] */
export function show({ low, median, high }, digits = 2) {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`
}

/**
 * The items in random order, so that none is always measured after the same other one.
 *
 * @template T
 * @param {readonly T[]} items
 */
export function shuffled(items) {
  const drawn = items.map((item) => ({ item, at: Math.random() }))
  return drawn.toSorted((one, other) => one.at - other.at).map(({ item }) => item)
}
