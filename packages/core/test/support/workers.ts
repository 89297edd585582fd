import { afterAll, beforeAll, vi } from 'vitest'

/** In this describe or file, core takes Node for Cloudflare Workers, where requests share no I/O. */
export function onWorkers(): void {
  beforeAll(() => void vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' }))
  afterAll(() => void vi.unstubAllGlobals())
}
