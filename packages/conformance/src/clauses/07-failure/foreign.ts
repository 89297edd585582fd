import type { ServerStore, SessError } from '@sess/core/adapter'
import { expectFailure, expectSame } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { withinDeadline } from '../../stage/within-deadline.js'
import { expectSafe } from './calls.js'

const FOREIGN: Readonly<Record<string, Uint8Array>> = {
  'no bytes': Buffer.alloc(0),
  text: Buffer.from('a foreign text that shows'),
  JSON: Buffer.from('{"a foreign":["text that shows"]}'),
  'every byte value': Uint8Array.from(numbers(256)),
  'protocol text': Buffer.from('a foreign\r\nEND\r\nVALUE key 0 3\r\ntext that shows\r\n'),
  'broken UTF-8': Buffer.from([0xc3, 0x28, 0xa0, 0xff, 0xfe, 0xed, 0xa0, 0x80]),
  '20,000 bytes': Buffer.alloc(20_000, 'a foreign text that shows '),
}

async function expectCorrupt(store: ServerStore, key: string, done: string): Promise<SessError> {
  return withinDeadline(store, done, () => expectFailure(done, () => store.read(key), 'CORRUPT'))
}

async function expectForeign(stage: ServerStage): Promise<void> {
  const store = stage.open()
  const given = entry('data')
  const version = await stage.create(store, 'neighbour', given)
  for (const [at, [name, bytes]] of Object.entries(FOREIGN).entries()) {
    const key = `key${at}`
    await stage.backend.plant?.(stage.scope, key, bytes)
    const done = (method: string) => `${method} of a key with foreign bytes (${name})`
    const error = await expectCorrupt(store, key, done('read'))
    expectSafe(error, done('read'), 'text that shows')
    expectSame(done('create'), await store.create(key, entry('new')), null)
    for (const wrong of [version, '', 'a foreign text t'])
      expectSame(done('update'), await store.update(key, entry('new'), wrong), null)
    await expectCorrupt(store, key, done('a second read'))
    await store.destroy(key)
    expectSame(`read after a ${done('destroy')}`, await store.read(key), null)
    await stage.create(store, key, given)
  }
  expectSame('read of a neighbouring key', await store.read('neighbour'), { ...given, version })
}

export const foreignBytes: ServerClause = {
  id: '7.3',
  says: 'If the bytes under a key are foreign or corrupt, read fails with CORRUPT, create and update resolve with null, and destroy removes the bytes. They never cause a crash, a hang or the session of another user. The error shows none of the bytes.',
  cases: [
    {
      title: 'reports foreign bytes as CORRUPT and lets destroy remove them',
      hint: 'Give entries a frame that tells them from other values, and check it in every method before you trust a part of it.',
      lacks: ['fresh'],
      needs: ['plant'],
      run: expectForeign,
    },
  ],
}
