export interface Name {
  /** The name that an application passes to `sessions`. */
  readonly adapter: string
  readonly package: string
  /** The name of the folder that the package is written to. */
  readonly folder: string
}

// The same patterns as core's loader, so that core finds each adapter that gets a skeleton.
const NAME = /^[a-z][a-z0-9-]{0,99}$/
const PACKAGE = /^@[a-z0-9][a-z0-9._-]{0,99}\/([a-z0-9][a-z0-9._-]{0,99})$/
const OWN_SCOPE = '@sess/'
const PREFIX = 'sess-adapter-'
const FIRST_PARTY: ReadonlySet<string> = new Set(['cookie', 'memory', 'redis', 'memcache', 'sqlite'])

/** Reads the name of an adapter or of a scoped package. Throws a `TypeError` that explains what a name may be. */
export function readName(given: string): Name {
  const folder = PACKAGE.exec(given)?.[1]
  if (folder !== undefined) {
    if (given.startsWith(OWN_SCOPE))
      throw new TypeError(`${OWN_SCOPE} is reserved for the adapters of the @sess project. Use a scope of your own.`)
    return { adapter: given, package: given, folder }
  }
  if (!NAME.test(given)) {
    throw new TypeError(
      `${shown(given)} cannot be the name of an adapter. A name has up to 100 lower-case letters, digits and hyphens, ` +
        `such as 'shelf', or is the full name of a scoped package, such as '@acme/shelf'.`,
    )
  }
  if (FIRST_PARTY.has(given))
    throw new TypeError(`'${given}' always means @sess/adapter-${given}. Choose another name.`)
  if (given.startsWith(PREFIX))
    throw new TypeError(
      `Leave out ${PREFIX}: it is added. The package of 'shelf' is ${PREFIX}shelf, and so is its folder.`,
    )
  return { adapter: given, package: PREFIX + given, folder: PREFIX + given }
}

function shown(given: string): string {
  return given.length < 32 ? JSON.stringify(given) : `A string of ${given.length} characters`
}
