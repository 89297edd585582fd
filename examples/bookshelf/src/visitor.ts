/** The values of a session. The slices read and write them. */
export interface Visitor {
  visits: number
  /** The ids of books. */
  cart: string[]
  /** The name of the user who is logged in. It owns the session, where the store can list sessions. */
  user: string
  /** What the user called the device at the login. */
  device: string
  /** Shown once, on the next page. */
  notice: string
}
