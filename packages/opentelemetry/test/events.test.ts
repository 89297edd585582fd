import { expect, test } from 'vitest'
import { Client, Site } from './site.ts'
import { Telemetry } from './telemetry.ts'

const note = (telemetry: Telemetry) => {
  const ids: (string | undefined)[] = []
  const site = new Site({ owner: 'userId' })
  const visit = (client: Client, act: Parameters<Site['visit']>[2]) =>
    site.visit(client, '/', async (session, response) => {
      await act(session, response)
      ids.push(site.sess.id(session))
    })
  return { telemetry, site, ids, visit }
}

test('a session that begins is the event session.start', async () => {
  const { telemetry, ids, visit } = note(new Telemetry())
  await visit(new Client(), (session) => void (session.note = 'a'))
  expect(telemetry.events).toEqual([['session.start', { 'session.id': ids[0] }]])
})

test.each<[string, Parameters<Site['visit']>[2]]>([
  ['a login', (session) => void (session.userId = 1)],
  ['regenerate', (session) => session.regenerate()],
])('a session that moves by %s is the event session.start, with the name that it had', async (_, act) => {
  const { telemetry, ids, visit } = note(new Telemetry())
  const client = new Client()
  await visit(client, (session) => void (session.note = 'a'))
  telemetry.forget()
  await visit(client, act)
  const [previous, id] = ids
  expect(id).not.toBe(previous)
  expect(telemetry.events).toEqual([['session.start', { 'session.id': id, 'session.previous_id': previous }]])
})

test('a session that ends is the event session.end, with the reason', async () => {
  const { telemetry, ids, visit } = note(new Telemetry())
  const client = new Client()
  await visit(client, (session) => void (session.note = 'a'))
  telemetry.forget()
  await visit(client, (session) => session.destroy())
  expect(telemetry.events).toEqual([['session.end', { 'session.id': ids[0], 'sess.end.reason': 'logout' }]])
})

test('a login without a session before is one event', async () => {
  const { telemetry, ids, visit } = note(new Telemetry())
  await visit(new Client(), (session) => void (session.userId = 1))
  expect(telemetry.events).toEqual([['session.start', { 'session.id': ids[0] }]])
})

test('a move that failed is no event', async () => {
  const { telemetry, site, visit } = note(new Telemetry())
  const client = new Client()
  await visit(client, (session) => void (session.visits = 1))
  telemetry.forget()
  const status = await visit(client, async (session) => {
    session.visits = (session.visits ?? 0) + 1
    session.regenerate()
    await site.visit(client, '/other', (other) => void (other.visits = 7))
  })
  expect(status).toBe(409)
  expect(telemetry.events).toEqual([])
})
