export const SECRET = 'a secret for benchmarks, known to everyone who reads this'

/** The smallest session of every contestant: 200 bytes of JSON. */
const SESSION = {
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

/**
 * A session of about so many bytes of JSON: everything beyond 200 bytes is a list of strings of 100 characters.
 *
 * @param {number} bytes at least 200
 * @returns {typeof SESSION & { seen?: string[] }}
 */
export function sessionOf(bytes) {
  const rest = bytes - JSON.stringify(SESSION).length
  if (rest < 100) return SESSION
  const seen = Array.from({ length: Math.floor(rest / 103) }, (_, n) => String(n).padEnd(100, 'x'))
  return { ...SESSION, seen }
}
