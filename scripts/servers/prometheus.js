import { execFile } from 'node:child_process'
import { realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram } from './binaries.js'
import { startServer } from './server.js'

/** @typedef {import('./server.js').Server & { origin: string }} Prometheus */

const host = '127.0.0.1'

const given = () => process.env['SESS_PROMETHEUS'] ?? ''

/**
 * Whether the server that answers on the port stores its data in that folder, and is ready.
 *
 * @param {number} port
 * @param {string} folder
 */
async function isReady(port, folder) {
  try {
    const ready = await fetch(`http://${host}:${port}/-/ready`)
    const flags = await fetch(`http://${host}:${port}/api/v1/status/flags`)
    return ready.ok && (await flags.text()).includes(folder)
  } catch {
    return false
  }
}

/**
 * A Prometheus on 127.0.0.1. Its data is removed by `stop`.
 *
 * @param {object} options
 * @param {string} options.config the text of prometheus.yml
 * @param {Readonly<Record<string, string>>} [options.files] further files, by name, for `rule_files`
 * @param {number} [options.port]
 * @returns {Promise<Prometheus>}
 */
export async function startPrometheus({ config, files = {}, port: wanted }) {
  const server = await startServer({
    program: 'prometheus',
    file: given(),
    port: wanted,
    args: (port, folder) => {
      for (const [name, text] of Object.entries({ ...files, 'prometheus.yml': config }))
        writeFileSync(join(folder, name), text)
      return [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${host}:${port}`,
      ]
    },
    answers: (port, _pid, folder) => isReady(port, folder),
  })
  return Object.assign(server, { origin: `http://${host}:${server.port}` })
}

/**
 * Runs `promtool`, which comes with Prometheus.
 *
 * @param {readonly string[]} args
 * @param {string} cwd
 * @returns {Promise<{ failed: boolean, output: string }>}
 */
export async function promtool(args, cwd) {
  const file = join(dirname(realpathSync(given() === '' ? await findProgram('prometheus') : given())), 'promtool')
  return new Promise((resolve) => {
    execFile(file, [...args], { cwd }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: `${stdout}${stderr}` }),
    )
  })
}
