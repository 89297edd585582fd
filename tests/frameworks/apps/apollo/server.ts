import { ApolloServer, type ApolloServerPlugin } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { type Context, resolvers, typeDefs } from './schema.ts'
import { RequestSession } from './session.ts'

/** An operation with an error stores nothing, although its answer is a 200. */
const discardFailed: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    async willSendResponse({ contextValue, response: { body } }) {
      if (body.kind === 'single' && body.singleResult.errors !== undefined) contextValue.session.discard()
    },
  }),
}

await startStandaloneServer(new ApolloServer<Context>({ typeDefs, resolvers, plugins: [discardFailed] }), {
  context: async ({ req, res }) => ({ session: new RequestSession(req, res) }),
  listen: { port: Number(process.env.PORT), host: '127.0.0.1' },
})
