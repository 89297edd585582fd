import { inspect } from 'node:util'
import { isError, type ServerStore } from '@sess/core/adapter'
import { expectFailure, expectThat, show } from '../../breach.js'
import type { Case, Need, ServerClause } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { withinDeadline } from '../../stage/within-deadline.js'
import { callsOf, expectUnavailable } from './calls.js'
import { faulty, proxied } from './outage.js'
import { passwordsOf } from './passwords.js'

/** How many calls of each method are made at once: all together, they are more than a client has connections. */
const ROUNDS = 20

/** Opens an instance and lets an outage begin. */
type Begin = (stage: ServerStage) => Promise<ServerStore>

/** Asserts that each of many calls at once fails with `UNAVAILABLE`, on an instance that was used before or was not. */
function expectAllUnavailable(isUsed: boolean, begin: Begin, when: string) {
  return async (stage: ServerStage): Promise<void> => {
    const store = await begin(stage)
    const state = isUsed ? 'on an instance in use' : 'on an unused instance'
    const calls = numbers(ROUNDS).flatMap((n) => callsOf(store, n === 0 ? 'key' : `key${n}`))
    await Promise.all(calls.map((call) => expectUnavailable(store, call, `${when}, ${state}`)))
  }
}

/** Asserts that each error has a cause which tells what happened, and that neither shows a password of the options. */
function expectCauses(begin: Begin, when: string) {
  return async (stage: ServerStage): Promise<void> => {
    const store = await begin(stage)
    const passwords = passwordsOf(stage.optionsOf())
    const calls = callsOf(store).map(async ([name, call]) => {
      const done = `${name} ${when}`
      const error = await withinDeadline(store, done, () => expectFailure(done, call, 'UNAVAILABLE'))
      const { cause } = error
      const isTold = isError(cause) && cause.name !== '' && (cause.message !== '' || 'code' in cause)
      expectThat(isTold, `the cause of the error of ${done}`, 'an Error with a message or a code', show(cause))
      const shown = inspect(error, { depth: Infinity, showHidden: true })
      const isSafe = !passwords.some((password) => shown.includes(password))
      expectThat(isSafe, `the error of ${done}, inspected to any depth`, 'no password', 'a password of the options')
    })
    await Promise.all(calls)
  }
}

interface Outage {
  readonly name: string
  readonly needs: readonly Need[]
  readonly isAlone: false | 'without tcp'
  readonly begin: (isUsed: boolean) => Begin
}

const away: Outage = { name: 'is unreachable', needs: ['faults'], isAlone: 'without tcp', begin: faulty }
const silent: Outage = {
  name: 'does not answer',
  needs: ['tcp'],
  isAlone: false,
  begin: (isUsed) => proxied(isUsed, () => 'blackhole'),
}

function unavailableCase({ name, needs, isAlone, begin }: Outage, isUsed: boolean): Case<ServerStage> {
  const state = isUsed ? 'an instance in use' : 'an unused instance'
  return {
    title: `fails with UNAVAILABLE within the deadline when the backend ${name}, on ${state}`,
    needs,
    isAlone,
    run: expectAllUnavailable(isUsed, begin(isUsed), `while the backend ${name}`),
  }
}

function causeCase({ name, needs, isAlone, begin }: Outage): Case<ServerStage> {
  const title = `tells the cause, and no password, when the backend ${name}`
  return { title, needs, isAlone, run: expectCauses(begin(true), `while the backend ${name}`) }
}

export const unreachableBackend: ServerClause = {
  id: '7.1',
  says: 'While the backend is unreachable, every method fails with UNAVAILABLE within the deadline (prune: within the deadline for each step), however many calls wait. It never resolves with null, an empty session or what an earlier call returned, and it never hangs. The cause of the error is a copy of the name, message and code of the client error. Inspected to any depth, the error shows no data, token, secret or password.',
  cases: [
    ...[away, silent].flatMap((outage) => [false, true].map((isUsed) => unavailableCase(outage, isUsed))),
    causeCase(away),
    causeCase(silent),
    {
      title: 'fails to read what it has read before when the backend is unreachable',
      needs: ['faults'],
      isAlone: 'without tcp',
      run: async (stage) => {
        const { store, faults } = await stage.openFaulty()
        await stage.create(store, 'key', entry('data'))
        await stage.read(store, 'key')
        await store.read('missing')
        await faults.begin()
        for (const key of ['key', 'missing'])
          await expectUnavailable(store, ['read', () => store.read(key)], 'while the backend is unreachable')
      },
    },
    {
      title: 'fails with UNAVAILABLE within the deadline when each reply is late',
      needs: ['tcp'],
      run: expectAllUnavailable(
        true,
        proxied(true, ({ deadline }) => ({ delay: deadline * 2 })),
        'while replies are late',
      ),
    },
    {
      title: 'fails with UNAVAILABLE when the reply is cut off',
      needs: ['tcp'],
      run: async (stage) => {
        const store = await proxied(true, () => 'cut replies')(stage)
        // One call at a time: half of several replies that arrive together could contain a whole reply.
        for (const call of callsOf(store)) await expectUnavailable(store, call, 'while its reply is cut off')
      },
    },
  ],
}
