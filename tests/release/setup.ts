// vitest's globalSetup: publishes once, to a registry on loopback, what a release would publish. All tests install from
// that registry.
import type { TestProject } from 'vitest/node'
import { startRegistry } from './test/support/registry.ts'
import { Release } from './test/support/release.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of the registry on loopback. */
    readonly registry: string
    /** The folder of the release's sources, which are versioned, built and published. */
    readonly release: string
    /** The versions of the first release, by package. */
    readonly versions: Readonly<Record<string, string>>
  }
}

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const registry = await startRegistry()
  const release = new Release()
  async function teardown(): Promise<void> {
    await registry.stop()
    release.remove()
  }
  try {
    await release.version()
    await release.build()
    await release.publish(registry.address)
    provide('registry', registry.address)
    provide('release', release.path)
    provide('versions', release.versions())
  } catch (error) {
    await teardown()
    throw error
  }
  return teardown
}
