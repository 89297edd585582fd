import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { numbers } from '../../../tests/support/stores.ts'
import { runProgram } from './support/program.ts'
import { ownServer, sharedServer } from './support/server.ts'

const server = sharedServer()

const CLOSE = `
await store.close()
console.log('closed', await codeOf(store.read('key')))`

const ended = (stdout: string) => ({ stdout: `${stdout}\n`, stderr: '', end: 0 })

describe('7.5 and 7.7 a process', () => {
  it('ends after close', async () => {
    const text = `await store.create('process', entry); console.log((await store.read('process')).data); ${CLOSE}`
    expect(await runProgram(text, server.address)).toEqual(ended('data\nclosed CLOSED'))
  })

  it('ends after close while the server is down, and starts no other program', async () => {
    const own = await ownServer()
    await own.kill()
    const text = `
      for (let n = 0; n < 30; n++) {
        const codes = await Promise.all([codeOf(store.read('a')), codeOf(store.create('b', entry)), codeOf(store.destroy('c'))])
        if (codes.join() !== 'UNAVAILABLE,UNAVAILABLE,UNAVAILABLE') console.log(codes)
        await sleep(20)
      }
      ${CLOSE}`
    expect(await runProgram(text, own.address)).toEqual(ended('closed CLOSED'))
  })

  it('ends without close while the server is down', async () => {
    const own = await ownServer()
    await own.kill()
    expect(await runProgram(`console.log(await codeOf(store.read('a')))`, own.address)).toEqual(ended('UNAVAILABLE'))
  })

  it('ends after close while the server is frozen, with calls in flight', async () => {
    const own = await ownServer()
    const text = `
      await store.create('key', entry)
      process.kill(${own.pid}, 'SIGSTOP')
      await sleep(200)
      const calls = Array.from({ length: 64 }, (_, n) => codeOf(store.read('key' + n)))
      await sleep(20)
      await store.close()
      console.log(new Set(await Promise.all(calls)))
      ${CLOSE}`
    expect(await runProgram(text, own.address, 1000)).toEqual(ended(`Set(1) { 'UNAVAILABLE' }\nclosed CLOSED`))
  })

  it('ends after close while the server accepts no connection', async () => {
    const own = await ownServer('-b', '1')
    await own.freeze()
    const fillers = numbers(8).map(() => connect(own.port, '127.0.0.1'))
    for (const filler of fillers) filler.on('error', () => undefined)
    onTestFinished(() => {
      for (const filler of fillers) filler.destroy()
    })
    await sleep(200)
    const text = `
      const read = codeOf(store.read('key'))
      await sleep(20)
      await store.close()
      console.log(await read)
      ${CLOSE}`
    expect(await runProgram(text, own.address, 500)).toEqual(ended('UNAVAILABLE\nclosed CLOSED'))
  })

  it('has no socket, timer or listener left of a closed store, after freezes and failures', async () => {
    const own = await ownServer()
    const text = `
      const used = () => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Process|GetAddrInfo/.test(name))
      process.on('warning', (warning) => console.log(String(warning)))
      for (let n = 0; n < 20; n++) {
        await store.create('key' + n, entry)
        process.kill(${own.pid}, 'SIGSTOP')
        if (n < 2) await codeOf(store.read('key'))
        process.kill(${own.pid}, 'SIGCONT')
        while ((await codeOf(store.read('key'))) !== 'none') await sleep(10)
      }
      await store.close()
      await sleep(50)
      console.log(used())`
    expect(await runProgram(text, own.address, 1000)).toEqual(ended('[]'))
  })

  it('shows no address, data or key when it inspects a store', async () => {
    const text = `
      import { inspect } from 'node:util'
      await store.create('hunter2', { ...entry, data: 'hunter2' })
      const shown = inspect(store, { depth: Infinity, showHidden: true })
      console.log(shown.includes('hunter2'), shown.includes(servers))
      await store.close()`
    expect(await runProgram(text, server.address)).toEqual(ended('false false'))
  })
})
