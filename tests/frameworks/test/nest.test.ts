import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { SECRET } from './support/application.ts'
import { takeTrip } from './support/trip.ts'

const APP = fileURLToPath(new URL('../apps/nest/', import.meta.url))

takeTrip(
  'nest',
  {
    packages: ['core', 'adapter-cookie', 'adapter-memory', 'adapter-redis', 'nest'],
    build: [['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']],
    start: () => ['dist/main.js'],
    ways: { 'with Express': { PLATFORM: 'express' }, 'with Fastify': { PLATFORM: 'fastify' } },
  },
  {},
  ({ client }) => {
    test('a guard refuses who is not logged in, and lets the others through', async () => {
      const visitor = client()
      expect((await visitor.get('/account')).status).toBe(401)
      await visitor.post('/login', { name: 'ada', password: 'lovelace' })
      expect(await visitor.get('/account')).toMatchObject({ status: 200, text: '{"user":"ada"}' })
    })
  },
)

describe('under Jest, as the command line of Nest sets it up', () => {
  /** What Jest prints at the end. */
  async function summaryOf(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', ...args]
    const result = await promisify(execFile)(process.execPath, jest, {
      cwd: APP,
      env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'test', SESSION_SECRET: SECRET, ...env },
    })
    return result.stderr
  }

  test('the unit test of a controller passes, without the module', async () => {
    expect(await summaryOf([])).toMatch(/Tests: +1 passed, 1 total/)
  })

  test.each(['express', 'fastify'])('the end-to-end tests pass on %s', async (platform) => {
    expect(await summaryOf(['--config', 'test/jest-e2e.json'], { PLATFORM: platform })).toMatch(
      /Tests: +3 passed, 3 total/,
    )
  })
})
