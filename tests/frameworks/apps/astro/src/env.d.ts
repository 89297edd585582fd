declare namespace App {
  interface Locals {
    session: () => Promise<import('@sess/core').Session<import('./lib/sess').Visitor>>
  }
}
