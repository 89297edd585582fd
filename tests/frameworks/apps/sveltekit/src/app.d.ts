import type { Session } from '@sess/core'
import type { Visitor } from './lib/server/sess'

declare global {
  namespace App {
    interface Locals {
      session: () => Promise<Session<Visitor>>
      opened?: Session<Visitor>
      hasFailed?: boolean
    }
  }
}
