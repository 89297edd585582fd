/** The values of a session. Both slices read and write them. */
export interface Visitor {
  visits: number
  /** The ids of books. */
  cart: string[]
  /** The name of the user who is logged in. */
  user: string
  /** Shown once, on the next page. */
  notice: string
}
