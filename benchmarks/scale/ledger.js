// What clients were told about their sessions, and what they found later.

/** What its client knows about one session. */
export class Known {
  cookie
  /** Its count is in this range: a change whose outcome is unknown may have been made. */
  low = 0
  high = 0

  /** @param {string} cookie */
  constructor(cookie) {
    this.cookie = cookie
  }

  /** A change by one has failed. It may have been made. */
  doubt() {
    this.high++
  }
}

/** Compares what is found with what was acknowledged. Each fault is counted once. */
export class Ledger {
  faults = {
    /** Sessions that a client was given, and that are gone. */
    lostSessions: 0,
    /** Changes that were acknowledged, and are gone while their session lives. */
    lostChanges: 0,
    /** Sessions that are alive after an acknowledged logout. */
    revived: 0,
    /** Changes that nobody has asked for. */
    invented: 0,
  }

  get broken() {
    return Object.values(this.faults).reduce((sum, amount) => sum + amount, 0)
  }

  /**
   * A client sees the count of its session.
   *
   * @param {Known} known
   * @param {number | null} count `null`: there is no such session
   * @param {number} [more] by how much this request has changed it
   * @returns {boolean} whether the session is there
   */
  see(known, count, more = 0) {
    if (count === null) {
      this.faults.lostSessions++
      return false
    }
    this.faults.lostChanges += Math.max(0, known.low + more - count)
    this.faults.invented += Math.max(0, count - known.high - more)
    known.low = count
    // A change that failed before this one can no longer be made: its version is outdated. After a mere read it can.
    known.high = more > 0 ? count : Math.max(known.high, count)
    return true
  }
}
