import { styleText } from 'node:util'
import type { Finding, Sessions } from '@sess/core'
import type { Answer } from '../output.js'

/** Warnings alone do not fail a deployment. */
export async function check(sess: Sessions, isColoured: boolean): Promise<Answer> {
  const findings = await sess.check()
  return {
    code: findings.some(({ severity }) => severity === 'error') ? 1 : 0,
    text:
      findings.length === 0
        ? 'All is well: a session was begun, read and ended, and the store is set up for sessions.'
        : findings.map((finding) => line(finding, isColoured)).join('\n'),
    json: { findings },
  }
}

/** Node would ask this process's own output, which may be another one. */
const FORCED = { validateStream: false }

function line({ severity, code, message }: Finding, isColoured: boolean): string {
  const word = isColoured ? styleText(severity === 'error' ? 'red' : 'yellow', severity, FORCED) : severity
  return `${word} ${code}: ${message}`
}
