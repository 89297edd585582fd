import { describe, expect, it } from 'vitest'
import { Gate, WIDTH } from '../src/gate.ts'

/** Lets cases in, and counts those that are inside. Each stays until it is let out. */
class Room {
  readonly gate = new Gate()
  readonly #out: (() => void)[] = []
  inside = 0

  enter(isAlone = false): void {
    void this.gate.run(isAlone, async () => {
      this.inside++
      await new Promise<void>((resolve) => this.#out.push(resolve))
      this.inside--
    })
  }

  async letOut(): Promise<void> {
    this.#out.shift()?.()
    await settled()
  }
}

/** All promises that can go on have gone on. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

describe('the gate', () => {
  it('lets a limited number of cases run at the same time', async () => {
    const room = new Room()
    for (let n = 0; n < WIDTH + 3; n++) room.enter()
    await settled()
    expect(room.inside).toBe(WIDTH)
    await room.letOut()
    expect(room.inside).toBe(WIDTH)
  })

  it('lets a case run alone after those that came before it, and holds back those that came after it', async () => {
    const room = new Room()
    room.enter()
    room.enter(true)
    room.enter()
    room.enter()
    const inside = [await settled().then(() => room.inside)]
    for (const _ of [1, 2]) inside.push(await room.letOut().then(() => room.inside))
    expect(inside).toEqual([1, 1, 2])
  })

  it('lets half as many run at the same time once it was narrowed, and at least one', async () => {
    const room = new Room()
    const insideOf = async (): Promise<number> => {
      for (let n = 0; n < WIDTH; n++) room.enter()
      await settled()
      const { inside } = room
      for (let n = 0; n < WIDTH; n++) await room.letOut()
      return inside
    }
    const widths: number[] = []
    for (let times = 0; times < 5; times++) {
      room.gate.narrow()
      widths.push(await insideOf())
    }
    expect(widths).toEqual([WIDTH / 2, WIDTH / 4, 1, 1, 1])
  })

  it('lets the next case in when a case fails', async () => {
    const gate = new Gate()
    await expect(gate.run(true, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    await expect(gate.run(true, async () => 'kept')).resolves.toBe('kept')
  })
})
