// Launches a Chromium for the tests and the screenshots.
import { chromium } from 'playwright-core'
import { findProgram } from './servers/binaries.js'

// A browser also contacts hosts that no page refers to, so every host but this machine is unknown to it.
const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
]

/**
 * Launches the program in SESS_CHROMIUM, or else the installed Chromium.
 *
 * @param {object} [options]
 * @param {boolean} [options.backForwardCache] whether Chromium keeps left pages in memory, as it does for a user.
 *   Playwright turns that off, because it does not notice when such a page comes back.
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
