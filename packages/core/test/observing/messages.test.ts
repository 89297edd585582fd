import cookie from '@sess/adapter-cookie'
import { sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { Browser } from '../support/browser.ts'
import { Clock } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { COOKIE_STORIES, type Scene, SERVER_STORIES, type Story } from '../support/observed-requests.ts'
import { SECRET } from '../support/secret.ts'
import { Listener } from '../support/told.ts'

const onMemory = ({ options = {} }: Story): Scene => {
  const [store, clock] = [new CountedStore(), new Clock()]
  const start: Scene['start'] = (more) => sessions(store, { secret: SECRET, clock: clock.read, ...options, ...more })
  const sess = start({})
  return { sess, secret: SECRET, start, clock, browser: new Browser(sess) }
}

const onCookies = ({ options = {} }: Story): Scene => {
  const clock = new Clock()
  const start: Scene['start'] = (more) => sessions(cookie, { secret: SECRET, clock: clock.read, ...options, ...more })
  const sess = start({})
  return { sess, secret: SECRET, start, clock, browser: new Browser(sess) }
}

describe.each([
  ['memory', onMemory, SERVER_STORIES],
  ['cookie', onCookies, COOKIE_STORIES],
] as const)('on the %s store', (store, open, stories) => {
  test.each(stories)('$title: what is told', async (story) => {
    const scene = open(story)
    await story.given?.(scene)
    const listener = new Listener()
    await story.when(scene)
    expect(listener.told).toEqual(story.told.map(([channel, message]) => [channel, { store, ...message }]))
  })

  test.each(stories)('$title: which calls of the store are told', async (story) => {
    const scene = open(story)
    await story.given?.(scene)
    const listener = new Listener()
    await story.when(scene)
    expect(listener.calls).toEqual(story.calls)
  })
})
