import { createServer } from 'node:http'
import { createYoga, type Plugin } from 'graphql-yoga'
import { type Context, schema } from './schema.ts'
import { RequestSession } from './session.ts'

/** An operation with an error stores nothing, although its answer is a 200. */
const discardFailed: Plugin<Context> = {
  onExecute: ({ args }) => ({
    onExecuteDone({ result }) {
      if ('errors' in result && result.errors !== undefined) args.contextValue.session.discard()
    },
  }),
}

const yoga = createYoga<Pick<Context, 'req' | 'res'>, Pick<Context, 'session'>>({
  schema,
  context: ({ req, res }) => ({ session: new RequestSession(req, res) }),
  plugins: [discardFailed],
})

createServer(yoga).listen(Number(process.env.PORT), '127.0.0.1')
