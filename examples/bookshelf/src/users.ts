export interface User {
  readonly name: string
  readonly password: string
  readonly isLibrarian: boolean
}

const DEMO_USERS: readonly User[] = [
  { name: 'reader', password: 'reader', isLibrarian: false },
  { name: 'librarian', password: 'librarian', isLibrarian: true },
]

/** For the demo only: a real application stores a slow hash of each password (argon2, scrypt), never the password. */
export class Users {
  readonly #users = new Map(DEMO_USERS.map((user) => [user.name, user]))

  find(name: string | null | undefined): User | undefined {
    return this.#users.get(name ?? '')
  }

  setPassword(user: User, password: string): void {
    this.#users.set(user.name, { ...user, password })
  }

  /** The users whose password is still that of the demo. */
  get unchanged(): readonly User[] {
    return DEMO_USERS.filter((user) => this.find(user.name) === user)
  }
}
