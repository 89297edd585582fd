export interface Visitor {
  visits: number
  user: string
  notice: string
}
