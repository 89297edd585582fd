import { expect, test } from 'vitest'
import { SECRET } from '../../core/test/support/secret.ts'
import { Client, Site } from './site.ts'
import { Telemetry } from './telemetry.ts'

const OWNER = 918_273_645
const DATA = 'what the session holds'

test('no owner, secret, token, key of the store or data is in anything that is exported', async () => {
  const telemetry = new Telemetry({ storeSpans: true })
  const keys = new Set<string>()
  const site = new Site({
    owner: 'userId',
    wrap: (store) => ({
      ...store,
      create: (key, entry) => {
        keys.add(key)
        return store.create(key, entry)
      },
      read: (key) => {
        keys.add(key)
        return store.read(key)
      },
    }),
  })
  const client = new Client()
  const cookies: string[] = []
  const visit = async (...[path, act]: readonly [string, Parameters<Site['visit']>[2]]) => {
    const status = await site.visit(client, path, act)
    cookies.push(client.cookie.replace(/^\w+=/, ''))
    return status
  }

  await visit('/begin', (session) => void (session.note = DATA))
  await visit('/login', (session) => void (session.userId = OWNER))
  const conflict = await visit('/conflict', async (session) => {
    session.note = `${session.note}!`
    await site.visit(client, '/first', (other) => void (other.note = `${DATA}?`))
  })
  expect(conflict).toBe(409)
  await site.sess.owner(OWNER).revoke()
  await visit('/ended', () => undefined)

  expect(keys.size).toBeGreaterThan(2)
  expect(new Set(cookies).size).toBeGreaterThan(1)
  const exported = await telemetry.exported()
  for (const name of ['sess.open', 'sess.store.update', 'sess.conflicts', 'session.end'])
    expect(exported).toContain(name)
  const secrets = [String(OWNER), DATA, SECRET, ...keys, ...cookies].filter((secret) => secret !== '')
  expect(secrets.filter((secret) => exported.includes(secret))).toEqual([])
})

test('metrics have no name of a session: each would be a series of its own', async () => {
  const telemetry = new Telemetry()
  const [site, client] = [new Site(), new Client()]
  let id: string | undefined
  await site.visit(client, '/', (session) => {
    session.note = 'a'
    id = site.sess.id(session)
  })
  await site.visit(client, '/', (session) => session.destroy())
  expect(id).toMatch(/./)
  expect(telemetry.span('sess.commit', 'create').attributes['session.id']).toBe(id)
  expect(await telemetry.exportedMetrics()).not.toContain(id)
})
