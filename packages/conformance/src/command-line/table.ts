import type { Outcome, Report } from '../run.js'

/** One line for each clause, followed by its cases that broke or were skipped. */
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
  const head = `${clause.padEnd(5)}${stateOf(outcomes).padEnd(9)}${`${kept} of ${outcomes.length}`.padEnd(10)}${took} ms`
  return [head, ...outcomes.filter(({ status }) => status !== 'kept').map((outcome) => indent(noteOf(outcome)))]
}

function stateOf(outcomes: readonly Outcome[]): string {
  if (outcomes.some(({ status }) => status === 'broken')) return 'BROKEN'
  return outcomes.some(({ status }) => status === 'kept') ? 'kept' : 'skipped'
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
  const broken = [...new Set(outcomes.filter(({ status }) => status === 'broken').map(({ clause }) => clause))]
  const skipped = outcomes.filter(({ status }) => status === 'skipped' || status === 'exempt').length
  const left = skipped === 0 ? '' : ` ${skipped === 1 ? '1 case was' : `${skipped} cases were`} skipped.`
  if (broken.length > 0) return `The ${store} store breaks ${broken.join(', ')}.${left}`
  return `The ${store} store keeps every clause that was run.${left}`
}
