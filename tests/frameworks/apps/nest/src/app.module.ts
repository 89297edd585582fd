import { Module } from '@nestjs/common'
import { ConfigModule, ConfigService } from '@nestjs/config'
import { sessions, type Sessions } from '@sess/core'
import { SessModule } from '@sess/nest'
import { AppController } from './app.controller'
import { UsersService } from './users.service'
import type { Visitor } from './visitor'

@Module({
  imports: [
    ConfigModule.forRoot(),
    SessModule.forRootAsync({
      imports: [ConfigModule],
      inject: [ConfigService],
      useFactory: (config: ConfigService): Sessions<Visitor> => {
        const secret = config.getOrThrow<string>('SESSION_SECRET')
        if (config.get('STORE') === 'cookie') return sessions('cookie', { secret })
        return sessions('redis', { secret, url: config.get<string>('REDIS_URL'), owner: 'user' })
      },
    }),
  ],
  controllers: [AppController],
  providers: [UsersService],
})
export class AppModule {}
