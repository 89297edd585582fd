import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Document } from '../../../docs/test/support/document.ts'
import { startRedis } from '../../../scripts/servers/redis.js'
import { ask } from '../../../scripts/servers/server.js'
import { Project, SECRET, toolPath } from './support/project.ts'

const page = new Document('docs/guide/serverless.md')
const [bundle = ''] = page.blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)

/** As AWS Lambda and Vercel start Node. */
const FLAG = '--no-experimental-require-module'

/** What an HTTP API sends to a function, with version 2.0 of the payload. */
const EVENT = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/',
  rawQueryString: '',
  headers: { accept: '*/*', host: 'abcdefghij.execute-api.eu-west-1.amazonaws.com', 'x-forwarded-proto': 'https' },
  requestContext: {
    accountId: '123456789012',
    apiId: 'abcdefghij',
    domainName: 'abcdefghij.execute-api.eu-west-1.amazonaws.com',
    http: { method: 'GET', path: '/', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'curl/8.5.0' },
    requestId: 'JKJaXmPLvHcESHA=',
    stage: '$default',
    timeEpoch: 1583348638390,
  },
  isBase64Encoded: false,
}

/** Three requests of one visitor to one process. Redis drops the connections before the third. */
const LAMBDA = `const { handler } = require('./function/handler.js')
  const { createConnection } = require('node:net')
  const event = ${JSON.stringify(EVENT)}
  const drop = () => new Promise((resolve) => {
    const socket = createConnection(new URL(process.env.REDIS_URL).port)
    socket.end('CLIENT KILL TYPE normal\\r\\n').resume().once('close', resolve)
  })
  async function main() {
    const first = await handler(event)
    const cookies = first.cookies.map((line) => line.split(';')[0])
    const second = await handler({ ...event, cookies: ['theme=dark', ...cookies] })
    if (process.env.DROP) await drop()
    const third = await handler({ ...event, cookies })
    console.log(JSON.stringify([first, second, third]))
    process.exit()
  }
  main()`

const VERCEL = `const { GET } = require('./function/handler.js')
  async function main() {
    const url = 'https://shop.example/'
    const first = await GET(new Request(url))
    const cookie = first.headers.getSetCookie()[0].split(';')[0]
    const second = await GET(new Request(url, { headers: { cookie } }))
    console.log(JSON.stringify([await first.text(), await second.text(), cookie.split('=')[0]]))
    process.exit()
  }
  main()`

let redis: Awaited<ReturnType<typeof startRedis>>
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const env = () => ({ SESSION_SECRET: SECRET, REDIS_URL: redis.url, NODE_ENV: 'production' })

/** Bundles a file of the page with the page's command, and moves the bundle to where no package is installed. */
async function deploy(file: 'handler.ts' | 'route.ts', program: string): Promise<Project> {
  const project = Project.withPackages().write({ ...page.files, 'package.json': '{}' })
  const [, ...words] = bundle.replace('handler.ts', file).split(' ')
  expect(words.shift()).toBe('esbuild')
  expect(await project.run(toolPath('esbuild', 'esbuild/bin/esbuild'), [...words, '--log-level=warning'])).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
  const deployed = Project.elsewhere().write({ 'main.cjs': program })
  return deployed.write({ 'function/handler.js': project.read('function/handler.js') })
}

describe('the function of AWS Lambda, bundled, with require(esm) turned off', () => {
  let deployed: Project
  beforeEach(async () => {
    deployed = await deploy('handler.ts', LAMBDA)
  })

  it('counts the visits of a visitor, over one connection to the store', async () => {
    const before = await connections()
    const { stdout, stderr } = await deployed.run(process.execPath, [FLAG, 'main.cjs'], env())
    expect(stderr).toBe('')
    const answers = JSON.parse(stdout)
    expect(answers).toMatchObject([1, 2, 3].map((n) => ({ statusCode: 200, body: `Visit number ${n}\n` })))
    expect(answers[0].headers).toMatchObject({ 'cache-control': 'private, no-store' })
    expect(answers[0].cookies).toEqual([expect.stringMatching(/^__Host-sess=.+; Secure/)])
    // The answer to `connections` itself is the other one.
    expect((await connections()) - before).toBe(2)
  })

  it('goes on after the connection was lost between two requests', async () => {
    const { stdout } = await deployed.run(process.execPath, [FLAG, 'main.cjs'], { ...env(), DROP: '1' })
    expect(JSON.parse(stdout).at(-1)).toMatchObject({ statusCode: 200, body: 'Visit number 3\n' })
  })

  it('answers 503 within its deadline while the store is away', async () => {
    const away = { ...env(), REDIS_URL: 'redis://127.0.0.1:1' }
    const program = `require('./function/handler.js').handler(${JSON.stringify(EVENT)}).then((answer) => {
      console.log(JSON.stringify(answer))
      process.exit()
    })`
    const { stdout } = await deployed.write({ 'main.cjs': program }).run(process.execPath, [FLAG, 'main.cjs'], away)
    expect(JSON.parse(stdout)).toEqual({ statusCode: 503, body: 'Sorry, that did not work. Try again.\n' })
  })
})

/** How many connections Redis has accepted. */
async function connections(): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(await ask(redis.port, 'INFO stats'))?.[1])
}

it('the route of Vercel, bundled, with require(esm) turned off, counts the visits of a visitor', async () => {
  const deployed = await deploy('route.ts', VERCEL)
  const { stdout, stderr } = await deployed.run(process.execPath, [FLAG, 'main.cjs'], env())
  expect({ stdout, stderr }).toEqual({
    stdout: '["Visit number 1\\n","Visit number 2\\n","__Host-sess"]\n',
    stderr: '',
  })
})
