import { buildApp } from './app.ts'

const app = await buildApp()
process.once('SIGTERM', () => void app.close())
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
