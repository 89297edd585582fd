import type { ServerStage } from '../../stage/server.js'

export const SECOND = 1000
export const DAY = 86_400_000
export const POLL_MS = 25

/** How late the backend's own expiry may reclaim an entry, in milliseconds. */
export function reclaimsWithin({ backend }: ServerStage): number {
  return backend.reclaimsWithin ?? 500
}
