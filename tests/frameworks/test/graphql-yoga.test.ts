import { takeGraphqlTrip } from './support/graphql.ts'

takeGraphqlTrip(
  'graphql-yoga',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/typescript/bin/tsc', '-p', '.']],
    start: () => ['server.ts'],
  },
  '/graphql',
)
