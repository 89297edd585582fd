import { SessError } from '../error.js'

const OWN_SCOPE = '@sess'
const OWN_PREFIX = 'adapter-'
const OTHERS_PREFIX = 'sess-adapter-'

const FIRST_PARTY: ReadonlySet<string> = new Set(['cookie', 'memory', 'redis', 'memcache', 'sqlite'])

/** A name may come from the environment, so it must not be able to name anything but a package. */
const NAME = /^[a-z][a-z0-9-]{0,99}$/
const PACKAGE = /^@[a-z0-9][a-z0-9._-]{0,99}\/[a-z0-9][a-z0-9._-]{0,99}$/

/** The packages that an adapter's name may mean, in the order in which they are looked for. Throws `ADAPTER_NAME`. */
export function packagesOf(name: string): readonly [string, ...string[]] {
  if (PACKAGE.test(name)) return [name]
  if (!NAME.test(name)) {
    throw new SessError(
      'ADAPTER_NAME',
      `${shown(name)} cannot be the name of an adapter. Use lower-case letters, digits and hyphens, such as 'redis', ` +
        `or the full name of a scoped package, such as '@acme/sessions'.`,
    )
  }
  // A first-party name means only our package, so no other package can replace one that is not installed.
  return FIRST_PARTY.has(name) ? [ownPackage(name)] : [ownPackage(name), `${OTHERS_PREFIX}${name}`]
}

/** The name of the first-party adapter that is this package, if it is one. */
export function firstPartyName(packageName: string): string | undefined {
  return [...FIRST_PARTY].find((name) => packageName === ownPackage(name))
}

/** The name that means a package which is installed in the folder `scope`, or in none if that is `''`. */
export function nameOf(scope: string, packageName: string): string | undefined {
  const prefix = scope === OWN_SCOPE ? OWN_PREFIX : scope === '' ? OTHERS_PREFIX : undefined
  if (prefix === undefined || !packageName.startsWith(prefix)) return undefined
  const name = packageName.slice(prefix.length)
  return NAME.test(name) && (scope === OWN_SCOPE || !FIRST_PARTY.has(name)) ? name : undefined
}

function ownPackage(name: string): string {
  return `${OWN_SCOPE}/${OWN_PREFIX}${name}`
}

/** The name for a message, except if it looks like a store's URL or a secret that was passed by mistake. */
function shown(name: string): string {
  return name.length < 32 && !name.includes('//') ? JSON.stringify(name) : `A string of ${name.length} characters`
}
