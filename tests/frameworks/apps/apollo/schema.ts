import { GraphQLError } from 'graphql'
import type { RequestSession } from './session.ts'

export const typeDefs = /* GraphQL */ `
  type Query {
    page: String!
  }
  type Mutation {
    visit: String!
    login(name: String!, password: String!): String!
    logout: Boolean!
    fail: String
  }
`

export interface Context {
  session: RequestSession
}

export const resolvers = {
  Query: {
    async page(_root: unknown, _args: unknown, { session: request }: Context) {
      const session = await request.open()
      const { visits = 0, user = 'a stranger' } = session
      return `${visits} visits by ${user}. ${session.take('notice') ?? ''}`
    },
  },
  Mutation: {
    async visit(_root: unknown, _args: unknown, { session: request }: Context) {
      const session = await request.open()
      return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
    },
    async login(_root: unknown, { name, password }: { name: string; password: string }, { session: request }: Context) {
      if (password !== 'lovelace') throw new GraphQLError('Wrong name or password.')
      const session = await request.open()
      session.regenerate()
      session.user = name
      session.notice = `Welcome, ${name}.`
      return name
    },
    async logout(_root: unknown, _args: unknown, { session: request }: Context) {
      const session = await request.open()
      session.destroy()
      session.notice = 'You are logged out.' // in a new session
      return true
    },
    async fail(_root: unknown, _args: unknown, { session: request }: Context) {
      const session = await request.open()
      session.update('visits', (n = 0) => n + 1)
      throw new GraphQLError('This field fails.')
    },
  },
}
