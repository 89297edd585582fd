import { sessions } from '@sess/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Browser } from '../packages/core/test/support/browser.ts'
import { Clock } from '../packages/core/test/support/clock.ts'
import { type Scene, SERVER_STORIES, type Story } from '../packages/core/test/support/observed-requests.ts'
import { SECRET } from '../packages/core/test/support/secret.ts'
import { Listener } from '../packages/core/test/support/told.ts'
import { type Place, places } from './support/backends.ts'

const DEADLINE = 10_000

describe.each(places)('on %s', (adapter, openPlace) => {
  let place: Place
  beforeAll(async () => {
    place = await openPlace(DEADLINE)
  })
  afterAll(() => place?.stop())

  /** Each story has a secret, and so users, of its own. */
  function open({ title, options = {} }: Story): Scene {
    const store = place.openStore()
    onTestFinished(() => store.close())
    const clock = new Clock()
    const secret = `${SECRET}: ${title}`
    const start: Scene['start'] = (more) => sessions(store, { secret, clock: clock.read, ...options, ...more })
    const sess = start({})
    return { sess, secret, start, clock, browser: new Browser(sess) }
  }

  test.each(SERVER_STORIES)('$title: the same is told as on memory', async (story) => {
    const scene = open(story)
    await story.given?.(scene)
    const listener = new Listener()
    await story.when(scene)
    expect(listener.told).toEqual(story.told.map(([channel, message]) => [channel, { store: adapter, ...message }]))
    expect(listener.calls).toEqual(story.calls)
  })
})
