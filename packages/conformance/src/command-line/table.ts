import { notTried } from '../not-tried.js'
import type { Outcome, Report } from '../run.js'

/** One line for each clause, followed by its cases that were not kept. */
export function tableOf({ outcomes }: Report): string {
  const clauses = [...new Set(outcomes.map(({ clause }) => clause))]
  return clauses
    .map((clause) =>
      rowsOf(
        clause,
        outcomes.filter((outcome) => outcome.clause === clause),
      ).join('\n'),
    )
    .join('\n')
}

function rowsOf(clause: string, outcomes: readonly Outcome[]): string[] {
  const took = outcomes.reduce((sum, outcome) => sum + outcome.took, 0)
  const kept = outcomes.filter(({ status }) => status === 'kept').length
  const head = `${clause.padEnd(5)}${stateOf(outcomes).padEnd(10)}${`${kept} of ${outcomes.length}`.padEnd(10)}${took} ms`
  return [head, ...outcomes.filter(({ status }) => status !== 'kept').map((outcome) => indent(noteOf(outcome)))]
}

function stateOf(outcomes: readonly Outcome[]): string {
  const has = (wanted: Outcome['status']) => outcomes.some(({ status }) => status === wanted)
  if (has('broken')) return 'BROKEN'
  if (has('slow')) return 'TOO SLOW'
  if (!has('kept')) return 'skipped'
  return has('skipped') || has('exempt') ? 'partly' : 'kept'
}

function noteOf({ status, title, reason, lack, isKept, message }: Outcome): string {
  if (status === 'skipped') return `${title}\n  skipped: ${reason ?? ''}`
  if (status === 'exempt') {
    const came = isKept === true ? 'it passed' : `it failed:\n${indent(message ?? '')}`
    return `${title}\n  skipped: the store lacks '${lack ?? ''}'; the case was run anyway, and ${came}`
  }
  return `${title}\n${indent(message ?? '')}`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}

export function summaryOf({ store, outcomes }: Report): string {
  const clausesOf = (wanted: Outcome['status']): string =>
    [...new Set(outcomes.filter(({ status }) => status === wanted).map(({ clause }) => clause))].join(', ')
  const [broken, slow] = [clausesOf('broken'), clausesOf('slow')]
  const verdicts = [
    ...(broken === '' ? [] : [`breaks ${broken}`]),
    ...(slow === '' ? [] : [`is too slow here to decide ${slow}`]),
  ]
  const verdict = verdicts.length === 0 ? 'keeps every clause that was run' : verdicts.join(', and ')
  const skipped = outcomes.filter(({ status }) => status === 'skipped' || status === 'exempt').length
  const left = skipped === 0 ? '' : ` ${skipped === 1 ? '1 case was' : `${skipped} cases were`} skipped.`
  const untried = notTried(
    store,
    outcomes.map(({ clause, reason }) => ({ clause, ...(reason !== undefined && { skip: reason }) })),
  )
  return [...(untried === '' ? [] : [untried]), `The ${store} store ${verdict}.${left}`].join('\n')
}
