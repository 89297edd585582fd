import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module'
import { platform } from './platform'

async function bootstrap() {
  const app = await NestFactory.create(AppModule, platform(), { logger: ['error', 'warn'] })
  app.enableShutdownHooks()
  await app.listen(process.env.PORT ?? 3000, '127.0.0.1')
}
void bootstrap()
