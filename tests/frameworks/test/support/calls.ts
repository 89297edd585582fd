import type { Answer, Client } from './client.ts'

/** Posts JSON, as the clients of tRPC and GraphQL do. */
export function postJson(client: Client, path: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  return client.send(path, { method: 'POST', body: JSON.stringify(body), headers })
}
