import Database from 'better-sqlite3'

let count = -1

/**
 * How many statements this process has run on SQLite, counted from the first call on. That call installs the counter,
 * so that it does not slow down what was timed before.
 */
export function countStatements() {
  if (count < 0) {
    count = 0
    const database = new Database(':memory:')
    const prototype = Object.getPrototypeOf(database.prepare('SELECT 1'))
    database.close()
    for (const method of ['run', 'get', 'all']) {
      const original = prototype[method]
      prototype[method] = function counted(...args) {
        count++
        return Reflect.apply(original, this, args)
      }
    }
  }
  return count
}
