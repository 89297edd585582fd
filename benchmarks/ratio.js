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
 * One by the other, round by round: a machine that grows slower between two rounds grows slower for both.
 *
 * @param {readonly number[]} one
 * @param {readonly number[]} other
 */
export function ratio(one, other) {
  return spread(one.map((value, round) => value / (other[round] ?? Number.NaN)))
}

/**
 * What `one` takes more than `bare`, by what `other` does: of the medians, with those of the sitting where it was least and
 * of the one where it was most in place of quartiles. Of a single round it would say nothing: each is a small difference
 * of two large figures.
 *
 * @param {readonly number[]} one
 * @param {readonly number[]} other
 * @param {readonly number[]} bare
 * @param {number} sittings in how many the rounds were, all alike
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
 * The items in an order of this round alone, so that none is always measured after the same other.
 *
 * @template T
 * @param {readonly T[]} items
 */
export function shuffled(items) {
  const drawn = items.map((item) => ({ item, at: Math.random() }))
  return drawn.toSorted((one, other) => one.at - other.at).map(({ item }) => item)
}
