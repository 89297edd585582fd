import { once } from 'node:events'
import { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { gatherWrites } from '@sess/core/adapter'
import { describe, expect, it } from 'vitest'

/** A stream that records what it receives in each write. */
function newStream() {
  const written: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
    writev(chunks, done) {
      written.push(chunks.map(({ chunk }) => String(chunk)).join(' '))
      done()
    },
  })
  const write = (text: string) => {
    gatherWrites(stream)
    stream.write(text)
  }
  return { stream, written, write }
}

describe('writes in one turn of the event loop', () => {
  it('go out at once if they are the first', () => {
    const { written, write } = newStream()
    write('a')
    expect(written).toEqual(['a'])
  })

  it('go out as one write at the end of the turn, except the first', async () => {
    const { written, write } = newStream()
    for (const text of ['a', 'b', 'c', 'd']) write(text)
    expect(written).toEqual(['a'])
    await setImmediate()
    expect(written).toEqual(['a', 'b c d'])
  })

  it('are gathered again in the next turn', async () => {
    const { written, write } = newStream()
    write('a')
    write('b')
    await setImmediate()
    for (const text of ['c', 'd', 'e']) write(text)
    await setImmediate()
    expect(written).toEqual(['a', 'b', 'c', 'd e'])
  })

  it('are gathered per stream', async () => {
    const [one, other] = [newStream(), newStream()]
    for (const text of ['a', 'b', 'c']) {
      one.write(text)
      other.write(text)
    }
    await setImmediate()
    expect([one.written, other.written]).toEqual([
      ['a', 'b c'],
      ['a', 'b c'],
    ])
  })

  it('are lost with their stream, but not those of other streams', async () => {
    const [one, other] = [newStream(), newStream()]
    for (const { write } of [one, other]) for (const text of ['a', 'b']) write(text)
    one.stream.destroy()
    await once(one.stream, 'close')
    expect(other.written).toEqual(['a', 'b'])
  })
})
