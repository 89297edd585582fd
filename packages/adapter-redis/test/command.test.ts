import { expect, it } from 'vitest'
import { TimedCommand } from '../src/command.ts'
import { connect, ownServer } from './server.ts'

it('7.4 a command that is late is not sent and fails, while the answers to others stay in order', async () => {
  const server = await ownServer()
  const redis = connect(server.url)
  await redis.set('key', 'value')

  const late = new TimedCommand('del', ['key'], performance.now() - 1)
  const timely = new TimedCommand('get', ['key'], performance.now() + 10_000)
  for (const command of [late, timely]) redis.sendCommand(command)
  const others = Promise.all([redis.get('key'), redis.strlen('key')])
  expect(await Promise.allSettled([late.promise])).toMatchObject([
    { status: 'rejected', reason: { code: 'ETIMEDOUT' } },
  ])
  expect(await timely.promise).toBe('value')
  expect(await others).toEqual(['value', 5])
})
