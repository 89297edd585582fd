export interface User {
  readonly name: string
  readonly password: string
  readonly isLibrarian: boolean
}

/** For the demo only: a real application stores a slow hash of each password (argon2, scrypt), never the password. */
export const USERS: readonly User[] = [
  { name: 'reader', password: 'reader', isLibrarian: false },
  { name: 'librarian', password: 'librarian', isLibrarian: true },
]

export function findUser(name: string | null | undefined): User | undefined {
  return USERS.find((user) => user.name === name)
}
