import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Installation } from '../../core/test/support/installation.ts'

const OPENTELEMETRY = fileURLToPath(new URL('../../../node_modules/@opentelemetry', import.meta.url))

/** Serves one request of its own, and prints each span with its parent. */
const USE = `
  const exporter = new InMemorySpanExporter()
  const sdk = new NodeSDK({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [new HttpInstrumentation(), new SessInstrumentation({ storeSpans: true })],
  })
  sdk.start()

  async function main({ createServer }) {
    const sess = sessions('memory', { secret: 'a secret of at least thirty-two bytes' })
    const server = createServer(async (req, res) => {
      const session = await sess.open(req, res)
      session.note = 'a'
      res.end()
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    await (await fetch('http://127.0.0.1:' + server.address().port)).text()
    // The span of a request ends a moment after its response.
    while (!exporter.getFinishedSpans().some(({ name }) => name === 'GET'))
      await new Promise((resolve) => setTimeout(resolve, 5))
    server.close()
    server.closeAllConnections()
    const spans = exporter.getFinishedSpans()
    const nameOf = (id) => spans.find((span) => span.spanContext().spanId === id)?.name
    console.log(spans.map(({ name, parentSpanContext }) => name + ' < ' + nameOf(parentSpanContext?.spanId)).sort().join())
    await sess.close()
  }`

const names = {
  '@opentelemetry/sdk-node': ['NodeSDK'],
  '@opentelemetry/sdk-trace-base': ['InMemorySpanExporter', 'SimpleSpanProcessor'],
  '@opentelemetry/instrumentation-http': ['HttpInstrumentation'],
  '@sess/core': ['sessions'],
  '@sess/opentelemetry': ['SessInstrumentation'],
}

const lines = (line: (names: string, module: string) => string) =>
  Object.entries(names)
    .map(([module, imported]) => line(imported.join(', '), module))
    .join('\n')

const PROGRAMS: Readonly<Record<string, string>> = {
  'main.mjs': `${lines((imported, module) => `import { ${imported} } from '${module}'`)}
    import { register } from 'node:module'
    register('@opentelemetry/instrumentation/hook.mjs', import.meta.url)
    ${USE}
    await main(await import('node:http'))`,
  'main.cjs': `${lines((imported, module) => `const { ${imported} } = require('${module}')`)}
    ${USE}
    void main(require('node:http'))`,
}

const installation = (files: Readonly<Record<string, string>>) =>
  Installation.forTest()
    .copy('core')
    .copy('adapter-memory')
    .copy('opentelemetry')
    .symlink(OPENTELEMETRY, 'node_modules', '@opentelemetry')
    .write(files)

test.each(Object.keys(PROGRAMS))(
  'an installed application has spans within those of HTTP, by the SDK: %s',
  async (file) => {
    const { stdout, failed } = await installation(PROGRAMS).node([file])
    expect([failed, stdout]).toEqual([
      false,
      'GET < undefined,sess.commit < GET,sess.open < GET,sess.store.create < sess.commit',
    ])
  },
)

test('a span processor that throws does not end the process', async () => {
  const program = `
    import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
    import { sessions } from '@sess/core'
    import { SessInstrumentation } from '@sess/opentelemetry'
    const fails = () => { throw new Error('no span') }
    const processor = { onStart: fails, onEnd: fails, forceFlush: async () => {}, shutdown: async () => {} }
    new SessInstrumentation().setTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }))
    const exchange = sessions('memory', { secret: 'a secret of at least thirty-two bytes' }).exchange(null)
    const session = await exchange.open()
    session.note = 'a'
    const headers = await exchange.commit(200)
    setImmediate(() => console.log(headers.some(([name]) => name === 'set-cookie')))`
  expect(await installation({ 'main.mjs': program }).node(['main.mjs'])).toEqual({
    failed: false,
    stdout: 'true',
    stderr: '',
  })
})
