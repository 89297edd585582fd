import { sessions } from '@sess/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { NATIVE_ANSWERS } from '../packages/core/test/support/native-answers.ts'
import { HTTP1, HTTP2 } from '../packages/core/test/support/protocols.ts'
import { places, SECRET } from './support/backends.ts'

describe.each(places)('%s', (_adapter, open) => {
  test.each([HTTP1, HTTP2])(
    'every form of a method that was looked up before open answers as without a session, with a cookie, on $name',
    async (protocol) => {
      const place = await open(5000)
      const store = place.openStore()
      const sess = sessions(store, { secret: SECRET })
      onTestFinished(async () => {
        await store.close?.()
        await place.stop()
      })
      for (const { name, method = 'GET', answer } of NATIVE_ANSWERS) {
        const ask = async (hasSession: boolean) => {
          const client = await protocol.connect((req, res) => {
            void answer(res, async (then) => {
              if (hasSession) (await sess.open(req, res))['visits'] = 1
              await then?.()
              return 'body'
            })
          })
          return client.request(method, '/')
        }
        const [expected, message] = [await ask(false), await ask(true)]
        const ours = message.headers.filter((line) => !expected.headers.includes(line))
        expect([name, message.status, message.body]).toEqual([name, expected.status, expected.body])
        expect(ours.map((line) => line.replace(/:.*/, '').toLowerCase()).toSorted()).toEqual([
          'cache-control',
          'set-cookie',
          'vary',
        ])
      }
    },
  )
})
