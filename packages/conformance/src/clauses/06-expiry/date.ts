import { setTimeout as sleep } from 'node:timers/promises'
import { expectSame } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry } from '../../stage/server.js'
import { DAY, reclaimsWithin, SECOND } from './clock.js'

export const farAhead: ServerClause = {
  id: '6.4',
  says: 'An entry that expires far ahead (in 31 days, in 2039, in 10 years) is kept, and its expiry reads back exactly: no 32-bit, 30-day or unit error.',
  cases: [
    {
      title: 'keeps entries that expire far ahead, created or updated',
      hint: 'Look for a number of 32 bits, for seconds taken for milliseconds, and for a limit of the backend on relative times, such as 30 days.',
      run: async (stage) => {
        const store = stage.open()
        const now = Date.now()
        const dates = {
          'in 25 days': now + 25 * DAY,
          'in 30 days': now + 30 * DAY,
          'in 30 days and half a second': now + 30 * DAY + 500,
          'in 30 days and a second': now + 30 * DAY + SECOND,
          'in 31 days': now + 31 * DAY,
          'in 50 days': now + 50 * DAY,
          'in 10 years': now + 3650 * DAY,
          'in 2039': Date.UTC(2039, 0, 2),
          'in 2107': Date.UTC(2107, 0, 2),
        }
        for (const [name, expiresAt] of Object.entries(dates)) {
          const key = name.replaceAll(' ', '')
          const given = entry('data', expiresAt)
          const first = await stage.create(store, key, given)
          expectSame(`read of an entry that expires ${name}`, await store.read(key), { ...given, version: first })
          const second = await stage.update(store, key, given, first)
          expectSame(`read after an update of an entry that expires ${name}`, await store.read(key), {
            ...given,
            version: second,
          })
        }
        const written = Object.keys(dates).map((name) => name.replaceAll(' ', ''))
        const held = await Promise.all(written.map((key) => store.read(key)))
        await sleep(reclaimsWithin(stage))
        for (const [at, key] of written.entries())
          expectSame(`a later read of an entry that expires far ahead, ${key}`, await store.read(key), held[at])
        if (store.prune) expectSame('prune at the current time', await store.prune(now), 0)
      },
    },
  ],
}

export const soonOrPast: ServerClause = {
  id: '6.5',
  says: 'An expiry less than a second ahead, or already past, is not an error and does not mean "never": create resolves with a version, and read resolves with the entry or null.',
  cases: [
    {
      title: 'stores an entry that expires in less than a second or has expired',
      hint: 'Round a relative time up to the least that the backend takes. Zero or less is often an error, or no expiry at all.',
      run: async (stage) => {
        const store = stage.open()
        const now = Date.now()
        for (const expiresAt of [now + 900, now + 50, now + 1, now, now - 1, now - SECOND, now - 100 * DAY, 1000, 1]) {
          const key = `key${expiresAt}`
          const given = entry('data', expiresAt)
          const version = await stage.create(store, key, given)
          const found = await store.read(key)
          const done = `read of an entry with expiresAt ${expiresAt - now} ms from now`
          if (found !== null) expectSame(done, found, { ...given, version })
          const updated = await stage.create(store, `${key}updated`, entry('before'))
          await stage.update(store, `${key}updated`, given, updated)
        }
      },
    },
  ],
}
