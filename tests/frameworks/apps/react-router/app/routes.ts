import { index, layout, route, type RouteConfig } from '@react-router/dev/routes'

export default [
  index('routes/home.tsx'),
  route('login', 'routes/login.tsx'),
  route('logout', 'routes/logout.ts'),
  route('visit', 'routes/visit.tsx'),
  route('fail', 'routes/fail.tsx'),
  layout('routes/outer.tsx', [route('both', 'routes/both.tsx')]),
  route('fails/:how', 'routes/fails.tsx'),
  route('streamed', 'routes/streamed.tsx'),
  route('release', 'routes/release.ts'),
  route('storage', 'routes/storage.ts'),
] satisfies RouteConfig
