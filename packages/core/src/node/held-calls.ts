import { pretendEnded, pretendFull, pretendSent, stopPretending } from './held-response.js'
import { postponeDestroy, stopPostponing } from './postponed-destroy.js'
import type { NodeResponse } from './response.js'
import type { NativeCallWatcher, Watch } from './watch.js'

/** A method of a response that the gate holds back. compression adds `flush`, and buffers what is written until it is called. */
export type Method = 'writeHead' | 'write' | 'end' | 'flushHeaders' | 'flush'

export type Args = readonly unknown[]

export interface HeldCall {
  readonly method: Method
  readonly args: Args
}

/** The calls that wait until a response's session is stored. The response looks as if they had been made. */
export class HeldCalls {
  readonly #response: NodeResponse
  readonly #calls: HeldCall[] = []
  #sent: Watch | undefined
  #postponesDestroy = false
  #owesDrain = false

  constructor(response: NodeResponse) {
    this.#response = response
  }

  get isEmpty(): boolean {
    return this.#calls.length === 0
  }

  /** A `write` was held, so it returned false. */
  get owesDrain(): boolean {
    return this.#owesDrain
  }

  /** `watcher` is told of native methods from now on. */
  begin(watcher: NativeCallWatcher): void {
    this.#sent = pretendSent(this.#response, watcher)
  }

  add(method: Method, args: Args): void {
    this.#calls.push({ method, args })
    if (method === 'end') {
      pretendEnded(this.#response)
      if (!this.#postponesDestroy) postponeDestroy(this.#response)
      this.#postponesDestroy = true
    }
    if (method === 'write') {
      pretendFull(this.#response)
      this.#owesDrain = true
    }
  }

  /** The part that was written last was written by `end`. */
  endWithLast(): void {
    // Its callback is Node's own.
    const [chunk, encoding] = this.#calls.pop()?.args ?? []
    this.add('end', [chunk, encoding])
  }

  /** The calls, to be made or dropped now. The response looks as it is again. */
  take(): readonly HeldCall[] {
    if (this.#sent !== undefined) stopPretending(this.#response, this.#sent)
    this.#sent = undefined
    return this.#calls.splice(0)
  }

  /** Call it once the calls were made or dropped: what was to be destroyed meanwhile is destroyed. */
  end(): void {
    if (this.#postponesDestroy) stopPostponing(this.#response)
    this.#postponesDestroy = false
  }
}
