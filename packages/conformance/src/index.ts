/**
 * The store contract as an executable suite. `@sess/conformance/vitest`, `@sess/conformance/node-test` and
 * `@sess/conformance/jest` register it with a test runner, and `npx @sess/conformance` runs it without one. This module
 * exports the parts that they are made of.
 *
 * @module @sess/conformance
 */
export { Breach } from './breach.js'
export { type Case, type Clause, type ClientClause, type Need, type ServerClause } from './case.js'
export { ClientStage } from './stage/client.js'
export { clientClauses, serverClauses } from './clauses/index.js'
export { type Fault, type FaultProxy, startFaultProxy } from './faults/proxy.js'
export type { Backend, Harness, Place } from './harness.js'
export { explainHistory, type Operation } from './history/history.js'
export { type Outcome, type Report, type RunOptions, runSuite } from './run.js'
export { ServerStage } from './stage/server.js'
export { inTurns, type Suite, type SuiteCase, suiteOf, type Turn } from './suite.js'
export { ClauseError, TooSlowError } from './verdict.js'
