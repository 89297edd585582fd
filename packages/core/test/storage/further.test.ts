import cookie from '@sess/adapter-cookie'
import { type Sessions, sessions } from '@sess/core'
import type { Adapter, Entry, ServerStore } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import type { Handler } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { Clock, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'

const FURTHER = [['shard', 7], null, { remembered: true }]

/** What a newer version writes: further elements behind the four that this one knows. */
function grown(entry: Entry): Entry {
  const parts: unknown = JSON.parse(entry.data)
  if (!Array.isArray(parts) || parts.length > 4) return entry
  return { ...entry, data: JSON.stringify([...parts, ...FURTHER]) }
}

function furtherOf({ data }: Entry): unknown {
  const parts: unknown = JSON.parse(data)
  return Array.isArray(parts) ? parts.slice(4) : parts
}

/** Writes the first entry as a newer version does, and shows the last one. */
interface Newer {
  readonly start: (clock: Clock) => Sessions
  readonly last: () => Entry | undefined
}

function memory(): Newer {
  let last: Entry | undefined
  let isFirst = true
  class Growing extends CountedStore {
    override async create(key: string, given: Entry): ReturnType<ServerStore['create']> {
      last = isFirst ? grown(given) : given
      isFirst = false
      return super.create(key, last)
    }

    override async update(key: string, given: Entry, version: string): ReturnType<ServerStore['update']> {
      // A tombstone is no list.
      if (given.data.startsWith('[')) last = given
      return super.update(key, given, version)
    }
  }
  return { start: (clock) => sessions(new Growing(), { secret: SECRET, clock: clock.read }), last: () => last }
}

function sealed(): Newer {
  let last: Entry | undefined
  let isFirst = true
  const growing: Adapter = (options, context) => {
    const store = cookie(options, context)
    if (store.kind !== 'client') throw new Error('expected a client store')
    const { contract, kind, name, maxBytes } = store
    return {
      contract,
      kind,
      name,
      maxBytes,
      open: (token) => store.open(token),
      seal(given) {
        last = isFirst ? grown(given) : given
        isFirst = false
        return store.seal(last)
      },
    }
  }
  return { start: (clock) => sessions(growing, { secret: SECRET, clock: clock.read }), last: () => last }
}

describe.each([
  ['memory', memory],
  ['cookie', sealed],
])('an entry of a newer version, with further elements, on the %s store', (_, make) => {
  const begun = async () => {
    const clock = new Clock()
    const { start, last } = make()
    const browser = new Browser(start(clock))
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    return { clock, browser, last }
  }

  test('opens', async () => {
    const { browser } = await begun()
    expect(await browser.see()).toEqual({ user: 7 })
  })

  test.each<[string, Handler, wait: number]>([
    ['a change', (session) => (session['theme'] = 'dark'), 0],
    ['an extension', (session) => session['user'], 12 * HOUR],
    ['a login', (session) => session.regenerate(), 0],
  ])('carries them along in %s', async (_what, use, wait) => {
    const { clock, browser, last } = await begun()
    clock.advance(wait)
    const before = last()
    await browser.visit(use)
    const entry = last()
    expect({ isWritten: entry !== before, further: entry && furtherOf(entry) }).toEqual({
      isWritten: true,
      further: FURTHER,
    })
  })

  test('does not hand them to a session that begins after a logout', async () => {
    const { browser, last } = await begun()
    await browser.visit((session) => {
      session.destroy()
      session['user'] = 8
    })
    const entry = last()
    expect(entry && furtherOf(entry)).toEqual([])
  })
})

test.each(['["id",1,2]', '["id",1,"2",{}]', '["id",1,2,[],7]', '[7,1,2,{},7]', '{}'])(
  'an entry that lacks one of the four is CORRUPT: %s',
  async (data) => {
    class Broken extends CountedStore {
      override async read(key: string): ReturnType<ServerStore['read']> {
        const stored = await super.read(key)
        return stored && { ...stored, data }
      }
    }
    const sess = sessions(new Broken(), { secret: SECRET })
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    await expect(browser.see()).rejects.toMatchObject({ code: 'CORRUPT' })
  },
)
