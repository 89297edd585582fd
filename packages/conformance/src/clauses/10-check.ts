import { type Finding, isSessError, type ServerStore } from '@sess/core/adapter'
import { describeError, expectFailure, expectSame, expectThat, show } from '../breach.js'
import type { Case, ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { withinDeadline } from '../stage/within-deadline.js'
import { faulty } from './07-failure/outage.js'
import { passwordsOf } from './07-failure/passwords.js'

const FINDING = "an array of { code: 'IN_CAPITALS', severity: 'error' or 'warning', message: 'one line' }"

function isFinding(value: unknown): value is Finding {
  if (typeof value !== 'object' || value === null || !('code' in value && 'severity' in value && 'message' in value))
    return false
  const { code, severity, message } = value
  const isCoded = typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code)
  return (
    isCoded && (severity === 'error' || severity === 'warning') && typeof message === 'string' && /^.+$/.test(message)
  )
}

/** Calls `check` and asserts that it finds in the form of the contract. */
async function findingsOf(stage: ServerStage, store: ServerStore, done: string): Promise<readonly Finding[]> {
  const found: unknown = await store.check?.()
  expectThat(Array.isArray(found) && found.every(isFinding), done, FINDING, found)
  const isSafe = !passwordsOf(stage.optionsOf()).some((password) => show(found).includes(password))
  expectThat(isSafe, `the findings of ${done}`, 'no password', 'a password of the options')
  return found
}

/** Asserts that `check` says that the backend is away: by an error, or by a finding that is one. */
async function expectAway(stage: ServerStage, store: ServerStore): Promise<void> {
  const done = 'check while the backend is unreachable'
  const expected = 'a SessError UNAVAILABLE, or a finding of the severity error'
  await withinDeadline(store, done, async () => {
    let found
    try {
      found = await findingsOf(stage, store, done)
    } catch (error) {
      expectThat(isSessError(error) && error.code === 'UNAVAILABLE', done, expected, describeError(error))
      return
    }
    expectThat(
      found.some(({ severity }) => severity === 'error'),
      done,
      expected,
      found,
    )
  })
}

function awayCase(isUsed: boolean): Case<ServerStage> {
  return {
    title: `says in a check that the backend is unreachable, on ${isUsed ? 'an instance in use' : 'an unused instance'}`,
    hint: 'Let the error of the client reject. An empty array says that all is well.',
    needs: ['check', 'faults'],
    isAlone: 'without tcp',
    run: async (stage) => expectAway(stage, await faulty(isUsed)(stage)),
  }
}

export const checking: ServerClause = {
  id: '10.3',
  says: 'A store may have check. It resolves within the deadline with what is wrong with the set-up of the backend: an array, which is empty if nothing is. Each finding has a code in capitals, the severity error or warning, and a message of one line without a password. It changes no entry. While the backend is unreachable, it rejects with UNAVAILABLE or finds an error.',
  cases: [
    {
      title: 'finds in the form of the contract',
      hint: 'Resolve with an array of findings, and with [] if nothing is wrong.',
      needs: ['check'],
      run: async (stage) => {
        const store = stage.open()
        await withinDeadline(store, 'check', () => findingsOf(stage, store, 'check'))
      },
    },
    {
      title: 'changes no entry by a check',
      hint: 'Look at the backend by commands that write nothing. Core has tried the methods before.',
      needs: ['check'],
      run: async (stage) => {
        const store = stage.open()
        const given = entry('data')
        const version = await stage.create(store, 'key', given)
        await store.check?.()
        expectSame('read after a check', await store.read('key'), { ...given, version })
      },
    },
    awayCase(true),
    awayCase(false),
    {
      title: 'fails with CLOSED in a check after close',
      needs: ['check'],
      run: async (stage) => {
        const store = stage.open()
        await withinDeadline(store, 'close', () => store.close())
        await expectFailure('check after close', async () => store.check?.(), 'CLOSED')
      },
    },
  ],
}
