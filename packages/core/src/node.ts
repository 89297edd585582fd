/** What is read of a request of node:http, node:https or node:http2 (`req`, `request.raw`, `ctx.req`). */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly socket?: { readonly encrypted?: boolean; readonly remoteAddress?: string | undefined } | null
}

/** What is used of a response of node:http, node:https or node:http2 (`res`, `reply.raw`, `ctx.res`). */
export interface NodeResponse {
  statusCode: number
  readonly headersSent: boolean
  readonly destroyed?: boolean
  readonly stream?: { readonly destroyed: boolean }
  getHeader(name: string): number | string | readonly string[] | undefined
  getHeaderNames(): string[]
  setHeader(name: string, value: string | readonly string[]): unknown
  removeHeader(name: string): void
  writeHead(statusCode: number): unknown
  write(chunk: string | Uint8Array): boolean
  end(): unknown
  flushHeaders(): void
  on(event: 'pipe', listener: (source: NodeSource) => void): unknown
  emit(event: 'drain'): boolean
  destroy(error?: Error): unknown
}

/** A stream that is piped into a response. */
export interface NodeSource {
  unpipe(destination: unknown): unknown
}
