/**
 * The store contract, executable. `@sess/conformance/vitest` and `@sess/conformance/node-test` give it to test
 * runners, `@sess/conformance/jest` to Jest, and `npx @sess/conformance` runs it with none; this is what they are made
 * of.
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
export { ClauseError, type Suite, type SuiteCase, suiteOf } from './suite.js'
