import type { ServerStore, SessError } from '@sess/core/adapter'
import { expectFailure, expectSame } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { withinDeadline } from '../../stage/within-deadline.js'
import { expectSafe } from './calls.js'

const FOREIGN: Readonly<Record<string, Uint8Array>> = {
  nothing: Buffer.alloc(0),
  text: Buffer.from('a foreign text that shows'),
  JSON: Buffer.from('{"a foreign":["text that shows"]}'),
  'every byte': Uint8Array.from(numbers(256)),
  'lines of a protocol': Buffer.from('a foreign\r\nEND\r\nVALUE key 0 3\r\ntext that shows\r\n'),
  'broken UTF-8': Buffer.from([0xc3, 0x28, 0xa0, 0xff, 0xfe, 0xed, 0xa0, 0x80]),
  'many bytes': Buffer.alloc(20_000, 'a foreign text that shows '),
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
    const done = (method: string) => `${method} of a key that holds ${name}, which is foreign`
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
  expectSame('read of a neighbour of them', await store.read('neighbour'), { ...given, version })
}

export const foreignBytes: ServerClause = {
  id: '7.3',
  says: "Foreign or corrupt bytes under a key: read is CORRUPT, create and update resolve null, destroy removes them; never a crash, a hang, or somebody else's session; the error shows none of the bytes.",
  cases: [{ title: 'takes foreign bytes for what they are', needs: ['plant'], run: expectForeign }],
}
