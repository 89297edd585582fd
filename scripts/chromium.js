// A Chromium of one's own, for tests and for the screenshots.
import { chromium } from 'playwright-core'
import { findProgram } from './servers/binaries.js'

// A browser also asks hosts that no page has named: whatever is not this machine is not found.
const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
]

/**
 * SESS_CHROMIUM, or else the one that is installed.
 *
 * @param {object} [options]
 * @param {boolean} [options.backForwardCache] whether it keeps the pages that were left in memory, as it does for people.
 *   Playwright does not learn of a page that comes back from there, so it turns that off unless told.
 * @returns {Promise<import('playwright-core').Browser>}
 */
export async function launchChromium({ backForwardCache = false } = {}) {
  const given = process.env['SESS_CHROMIUM'] ?? ''
  return chromium.launch({
    executablePath: given === '' ? await findProgram('chromium') : given,
    args: ARGUMENTS,
    ignoreDefaultArgs: backForwardCache ? ['--disable-back-forward-cache'] : [],
  })
}
