import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../../scripts/servers/redis.js'
import { TimedCommand } from '../src/command.ts'

it('7.4 a command that is late is not sent and fails, while the answers to others stay in order', async () => {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const redis = new Redis(server.url)
  onTestFinished(() => redis.disconnect())
  await redis.set('key', 'value')

  const late = new TimedCommand('del', ['key'], performance.now() - 1)
  const timely = new TimedCommand('get', ['key'], performance.now() + 10_000)
  for (const command of [late, timely]) redis.sendCommand(command)
  const others = Promise.all([redis.get('key'), redis.strlen('key')])
  expect(await Promise.allSettled([late.promise])).toMatchObject([{ status: 'rejected' }])
  expect(await timely.promise).toBe('value')
  expect(await others).toEqual(['value', 5])
})
