import type { IncomingMessage, ServerResponse } from 'node:http'
import { GraphQLError } from 'graphql'
import { createSchema } from 'graphql-yoga'
import type { RequestSession } from './session.ts'

export interface Context {
  req: IncomingMessage
  res: ServerResponse
  session: RequestSession
}

export const schema = createSchema<Context>({
  typeDefs: /* GraphQL */ `
    type Query {
      page: String!
    }
    type Mutation {
      visit: String!
      login(name: String!, password: String!): String!
      logout: Boolean!
      fail: String
    }
  `,
  resolvers: {
    Query: {
      async page(_root, _args, { session: request }) {
        const session = await request.open()
        const { visits = 0, user = 'a stranger' } = session
        return `${visits} visits by ${user}. ${session.take('notice') ?? ''}`
      },
    },
    Mutation: {
      async visit(_root, _args, { session: request }) {
        const session = await request.open()
        return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
      },
      async login(_root, { name, password }, { session: request }) {
        if (password !== 'lovelace') throw new GraphQLError('Wrong name or password.')
        const session = await request.open()
        session.regenerate()
        session.user = String(name)
        session.notice = `Welcome, ${session.user}.`
        return session.user
      },
      async logout(_root, _args, { session: request }) {
        const session = await request.open()
        session.destroy()
        session.notice = 'You are logged out.' // in a new session
        return true
      },
      async fail(_root, _args, { session: request }) {
        const session = await request.open()
        session.update('visits', (n = 0) => n + 1)
        throw new GraphQLError('This field fails.')
      },
    },
  },
})
