/** The package has no types of its own. This is the part of it that is used here. */
declare module 'memcached' {
  export default class Memcached {
    readonly HashRing: { get(key: string): string }
    constructor(servers: string[], options: { algorithm: 'sha256'; compatibility: 'ketama' })
  }
}
