export interface Name {
  /** What `sessions` is given to find the adapter. */
  readonly adapter: string
  readonly package: string
  /** Where the package is written. */
  readonly folder: string
}

// By these core finds an adapter.
const NAME = /^[a-z][a-z0-9-]{0,99}$/
const PACKAGE = /^@[a-z0-9][a-z0-9._-]{0,99}\/([a-z0-9][a-z0-9._-]{0,99})$/
const OWN_SCOPE = '@sess/'
const PREFIX = 'sess-adapter-'
const FIRST_PARTY: ReadonlySet<string> = new Set(['cookie', 'memory', 'redis', 'memcache', 'sqlite'])

/** Reads the name of an adapter, or of a scoped package that is one. Throws a `TypeError` that says what a name is. */
export function readName(given: string): Name {
  const folder = PACKAGE.exec(given)?.[1]
  if (folder !== undefined) {
    if (given.startsWith(OWN_SCOPE)) throw new TypeError(`${OWN_SCOPE} is the scope of the adapters that @sess brings.`)
    return { adapter: given, package: given, folder }
  }
  if (!NAME.test(given)) {
    throw new TypeError(
      `${shown(given)} cannot be the name of an adapter. A name is up to 100 lower-case letters, digits and hyphens, ` +
        `such as 'shelf'; or the full name of a scoped package, such as '@acme/shelf'.`,
    )
  }
  if (FIRST_PARTY.has(given))
    throw new TypeError(`'${given}' always means @sess/adapter-${given}; another adapter needs another name.`)
  if (given.startsWith(PREFIX))
    throw new TypeError(`Leave out ${PREFIX}: the package of 'shelf' is ${PREFIX}shelf, and so is its folder.`)
  return { adapter: given, package: PREFIX + given, folder: PREFIX + given }
}

function shown(given: string): string {
  return given.length < 32 ? JSON.stringify(given) : `A string of ${given.length} characters`
}
