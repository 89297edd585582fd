import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { assertLoopback } from './support/registry.ts'
import { Release } from './support/release.ts'

const FIRST = '0.1.0'

/** A copy of the first release, to make the next one in. It is not published. */
function nextRelease(): Release {
  const release = new Release(inject('release'))
  onTestFinished(() => release.remove())
  return release
}

/** The versions that changed since the first release. */
const changed = (release: Release) =>
  Object.fromEntries(Object.entries(release.versions()).filter(([, version]) => version !== FIRST))

const adapters = (release: Release) =>
  release.manifests().filter(({ peerDependencies }) => peerDependencies?.['@sess/core'] !== undefined)

describe('the first release', () => {
  it('has every package at one version, with a changelog', () => {
    const versions = inject('versions')
    expect(Object.keys(versions)).toHaveLength(17)
    expect(new Set(Object.values(versions))).toEqual(new Set([FIRST]))
    expect(nextRelease().read('packages/core/CHANGELOG.md')).toMatch(
      /^# @sess\/core\n\n## 0\.1\.0\n\n### Minor Changes\n/,
    )
  })
})

describe('a release after it', () => {
  it.each([
    ['patch', '0.1.1'],
    ['minor', '0.2.0'],
  ] as const)('of a %s of core leaves every adapter where it is, and within its range', async (bump, version) => {
    const release = await nextRelease().change({ '@sess/core': bump }, 'A change of core.').version()
    expect(changed(release)).toEqual({ '@sess/core': version })
    expect(adapters(release)).toHaveLength(15)
    for (const { peerDependencies } of adapters(release)) {
      expect(peerDependencies?.['@sess/core']).toMatch(/^>=0\.[01]\.0 <1$/)
    }
  })

  it('of one adapter leaves core and the others where they are', async () => {
    const release = await nextRelease().change({ '@sess/adapter-redis': 'minor' }, 'A change of one adapter.').version()
    expect(changed(release)).toEqual({ '@sess/adapter-redis': '0.2.0' })
    expect(release.read('packages/adapter-redis/CHANGELOG.md')).toContain('A change of one adapter.')
  })

  it('of a core that leaves the range of the adapters takes each of them along, and only them', async () => {
    const release = await nextRelease()
      .change({ '@sess/core': 'major' }, 'A breaking change of the contract.')
      .version()
    const taken = [...adapters(release).map(({ name }) => name), '@sess/core']
    expect(changed(release)).toEqual(Object.fromEntries(taken.map((name) => [name, '1.0.0'])))
    for (const { peerDependencies } of adapters(release)) expect(peerDependencies?.['@sess/core']).toBe('>=1.0.0')
  })
})

it.each(['http://127.0.0.1:4873/', 'http://[::1]:4873/', 'http://localhost:4873/'])(
  'a registry on loopback may be published to: %s',
  (address) => {
    expect(() => assertLoopback(address)).not.toThrow()
  },
)

it('a registry elsewhere is refused', async () => {
  const release = nextRelease()
  for (const address of [
    'https://registry.example/',
    'http://127.0.0.1.example/',
    'http://user:127.0.0.1@registry.example/',
    'http://10.0.0.1/',
    'https://127.0.0.1/',
    'file:///registry',
  ]) {
    await expect(release.publish(address)).rejects.toThrow(`and not to ${address}`)
  }
})
