// Launches a Chromium for the tests and the screenshots.
import { chromium } from 'playwright-core'
import { findProgram } from './servers/binaries.js'

const ARGUMENTS = ['--disable-gpu', '--disable-quic']

/**
 * Launches the program in SESS_CHROMIUM, or else the installed Chromium.
 *
 * @param {object} [options]
 * @param {boolean} [options.backForwardCache] whether Chromium keeps left pages in memory, as it does for a user.
 *   Playwright turns that off, because it does not notice when such a page comes back.
 * @param {readonly string[]} [options.hosts] names for this machine, such as `*.example`, in addition to `localhost`
 * @returns {Promise<import('playwright-core').Browser>}
 */
export async function launchChromium({ backForwardCache = false, hosts = [] } = {}) {
  return chromium.launch({
    ...(await programAndArguments(hosts)),
    ignoreDefaultArgs: backForwardCache ? ['--disable-back-forward-cache'] : [],
  })
}

/**
 * Launches the same program with a profile on the disk, which it has again the next time.
 *
 * @param {string} folder
 * @param {import('playwright-core').BrowserContextOptions} options
 * @returns {Promise<import('playwright-core').BrowserContext>}
 */
export async function launchProfile(folder, options) {
  return chromium.launchPersistentContext(folder, { ...(await programAndArguments([])), ...options })
}

/** @param {readonly string[]} hosts */
async function programAndArguments(hosts) {
  // A browser also contacts hosts that no page refers to, so every host but this machine is unknown to it.
  const known = ['localhost', ...hosts].map((host) => `MAP ${host} 127.0.0.1`)
  const rules = [...known, 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1'].join(', ')
  const given = process.env['SESS_CHROMIUM'] ?? ''
  return {
    executablePath: given === '' ? await findProgram('chromium') : given,
    args: [...ARGUMENTS, `--host-resolver-rules=${rules}`],
  }
}
