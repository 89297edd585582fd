/** What every contestant's session holds: 200 bytes of JSON. */
export const SESSION = {
  userId: 48271,
  name: 'Ada Lovelace',
  roles: ['reader', 'author'],
  locale: 'en-GB',
  visits: 17,
  cart: [
    { isbn: '9780262510875', quantity: 1 },
    { isbn: '9780131103627', quantity: 2 },
  ],
  notice: 'Welcome.',
}

export const SECRET = 'a secret for benchmarks, known to everybody who reads this'
