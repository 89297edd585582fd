// Copies the application of Next 16. In Next 15 the proxy is called middleware, and has to ask for the Node runtime.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'

for (const name of ['app', 'lib', 'pages', 'next.config.ts', 'tsconfig.json'])
  cpSync(new URL(`../next/${name}`, import.meta.url), new URL(name, import.meta.url), { recursive: true })

const proxy = readFileSync(new URL('../next/proxy.ts', import.meta.url), 'utf8')
const middleware = proxy.replace('const proxy', 'const middleware').replace('{ matcher', "{ runtime: 'nodejs', matcher")
writeFileSync(new URL('middleware.ts', import.meta.url), middleware)
