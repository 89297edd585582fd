import { expect, test } from 'vitest'
import { takeTrip } from './support/trip.ts'

takeTrip(
  'adonis',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/typescript/bin/tsc', '-p', '.']],
    start: () => ['--import', '@poppinss/ts-exec', 'bin/server.ts'],
    env: () => ({ HOST: '127.0.0.1', NODE_ENV: 'test', APP_KEY: 'a key for tests, of 32 bytes or more' }),
  },
  {},
  ({ client, see }) => {
    test('a request that ends in an exception below 500 stores nothing', async () => {
      const visitor = client()
      await visitor.post('/visit')
      expect((await visitor.post('/refuse')).status).toBe(422)
      expect((await see(visitor)).visits).toBe(1)
    })

    test('a response that is aborted stores nothing', async () => {
      const visitor = client()
      expect((await visitor.post('/abort')).status).toBe(403)
      expect(visitor.cookie).toBe('')
    })

    test("a stream carries the session's cookie next to the response's own", async () => {
      const visitor = client()
      expect((await visitor.get('/stream')).text).toBe('streamed')
      expect(visitor.cookie).toMatch(/theme=.*sess=|sess=.*theme=/)
      expect((await see(visitor)).visits).toBe(1)
    })
  },
)
