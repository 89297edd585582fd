import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REHEARSAL, serve } from './command.ts'

export interface Registry {
  readonly address: string
  stop(): Promise<void>
}

/** Starts an empty npm registry on loopback. It asks no other registry for packages that it lacks. */
export async function startRegistry(): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-registry-'))
  const config = join(folder, 'config.json')
  const anyone = '$all'
  writeFileSync(
    config,
    JSON.stringify({
      storage: join(folder, 'storage'),
      auth: { htpasswd: { file: join(folder, 'htpasswd') } },
      uplinks: {},
      packages: { '**': { access: anyone, publish: anyone } },
      web: { enable: false },
      log: { type: 'stdout', format: 'json', level: 'fatal' },
    }),
  )
  const verdaccio = join(REHEARSAL, 'node_modules/verdaccio/bin/verdaccio')
  const { address, stop } = await serve([verdaccio, '--config', config], folder)
  return {
    address: `${address}/`,
    async stop() {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Throws unless the address is on loopback. */
export function assertLoopback(address: string): void {
  const { protocol, hostname } = new URL(address)
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
  if (protocol !== 'http:' || !isLoopback)
    throw new Error(`A rehearsal publishes only to loopback, and not to ${address}`)
}
