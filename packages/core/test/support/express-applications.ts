import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setImmediate as turn } from 'node:timers/promises'
import { Readable } from 'node:stream'
import compression from 'compression'
import express, { type Express, type Request, type Response } from 'express'
import { stream } from './answers.ts'
import type { Application } from './application.ts'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const GZIP = ['Accept-Encoding: gzip']

type Answer = (response: Response, request: Request) => unknown

/** An application whose only route opens the session and answers. */
function route(name: string, answer: Answer, more: Partial<Application> = {}): Application {
  return {
    name,
    ...more,
    listener: ({ node }) => {
      const app = quiet()
      app.all(
        '/',
        awaiting(async (req, res) => {
          await node(req, res)
          await answer(res, req)
        }),
      )
      return app
    },
  }
}

/** An application with middleware that opens the session; `set` adds it next to other middleware. */
function middleware(
  name: string,
  set: (app: Express, openSession: express.RequestHandler) => void,
  more: Partial<Application> = {},
): Application {
  return {
    name,
    ...more,
    listener: ({ node }) => {
      const app = quiet()
      set(app, async (req, res, next) => {
        await node(req, res)
        next()
      })
      return app
    },
  }
}

/** Needed only for oxlint, which does not know that Express 5 awaits its handlers. */
export function awaiting(handle: (request: Request, response: Response) => Promise<unknown>): express.RequestHandler {
  return (req, res, next) => {
    const run = async () => {
      try {
        await handle(req, res)
      } catch (error) {
        next(error)
      }
    }
    void run()
  }
}

/** An application that logs no errors to the console. */
function quiet(): Express {
  return express().set('env', 'test')
}

/** Writes pieces so small that a compressor buffers them, and respects backpressure. */
async function writeLittle(response: Response): Promise<void> {
  response.type('text')
  for (const piece of ['one ', 'two ', 'three']) if (!response.write(piece)) await once(response, 'drain')
  response.end()
}

function pipeLittle(response: Response): void {
  response.type('text')
  Readable.from(['one ', 'two ', 'three'], { objectMode: false }).pipe(response)
}

function writeMuch(response: Response): void {
  response.type('text')
  stream(9).pipe(response)
}

async function writeInTurns(response: Response): Promise<void> {
  response.type('text')
  response.write('early ')
  await turn()
  response.write('late ')
  await turn()
  response.end('last')
}

const compress = compression()

/** Two applications: compression installed before the session is opened, and after. */
function compressed(name: string, answer: Answer, headers: readonly string[] = GZIP): readonly Application[] {
  const last = awaiting(async (req, res) => answer(res, req))
  return [
    middleware(`compression before the session, ${name}`, (app, open) => app.use(compress, open, last), { headers }),
    middleware(`compression after the session, ${name}`, (app, open) => app.use(open, compress, last), { headers }),
  ]
}

export const EXPRESS_APPLICATIONS: readonly Application[] = [
  route('res.json', (res) => res.status(201).json({ a: 1 })),
  route('res.send of a string', (res) => res.send('body')),
  route('res.send of a Buffer', (res) => res.send(Buffer.from('body'))),
  route('res.sendStatus', (res) => res.sendStatus(404)),
  route('res.redirect', (res) => res.redirect('/elsewhere')),
  route('res.sendFile', (res) => res.sendFile('signal.ts', { root: FOLDER })),
  route('res.sendFile of a range', (res) => res.sendFile('signal.ts', { root: FOLDER }), {
    headers: ['Range: bytes=3-9'],
  }),
  route('res.download', (res) => res.download(`${FOLDER}/signal.ts`)),
  route('res.sendFile to HEAD', (res) => res.sendFile('signal.ts', { root: FOLDER }), { method: 'HEAD' }),
  route('res.cookie and res.json', (res) => res.cookie('own', '1').json({ a: 1 })),
  route('res.append and res.vary', (res) => res.append('X-One', 'a').vary('Accept').send('body')),
  route('a fresh response', (res) => res.set('ETag', '"a"').send('body'), { headers: ['If-None-Match: "a"'] }),
  route('res.format', (res) => res.format({ text: () => res.send('text'), json: () => res.json({ a: 1 }) })),
  route('a stream', (res) => stream(9).pipe(res)),
  middleware('static', (app, open) => app.use(open, express.static(FOLDER, { index: 'signal.ts' }))),
  middleware('a route that is not found', (app, open) => app.use(open)),
  middleware('an error handler', (app, open) => {
    app.use(open, () => {
      throw new Error('of the application')
    })
    const answer: express.ErrorRequestHandler = (_error, _req, res, _next) => res.status(422).send('sorry')
    app.use(answer)
  }),
  middleware(
    'a body that is parsed',
    (app, open) => {
      app.use(open, express.json(), (req, res) => res.json(req.body))
    },
    { method: 'POST', headers: ['Content-Type: application/json'], body: '{"a":1}' },
  ),
  ...compressed('res.json', (res) => res.json({ text: 'again '.repeat(999) })),
  ...compressed('a little that is written', writeLittle),
  ...compressed('a little that is piped', pipeLittle),
  ...compressed('much that is piped', writeMuch),
  ...compressed('several writes', writeInTurns),
  ...compressed('to a client that takes none', writeInTurns, []),
  ...compressed('res.sendFile', (res) => res.sendFile('signal.ts', { root: FOLDER })),
]
