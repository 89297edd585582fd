/** The package has no types of its own. This is the part of it that is used here. */
declare module 'hashring' {
  export default class HashRing {
    constructor(servers: string[], algorithm: 'sha256', options: { compatibility: 'ketama'; 'default port': number })
    get(key: string): string
  }
}
