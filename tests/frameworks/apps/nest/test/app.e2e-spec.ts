import type { INestApplication } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { sessions } from '@sess/core'
import { SESS } from '@sess/nest'
import request from 'supertest'
import { AppModule } from './../src/app.module'
import { platform } from './../src/platform'

describe('AppController (e2e)', () => {
  let app: INestApplication

  beforeEach(async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(SESS)
      .useFactory({ factory: () => sessions('memory', { secret: process.env.SESSION_SECRET, owner: 'user' }) })
      .compile()
    app = module.createNestApplication(platform())
    await app.listen(0, '127.0.0.1')
  })

  afterEach(() => app.close())

  const browser = () => request.agent(app.getHttpServer())

  it('counts visits', async () => {
    const visitor = browser()
    await visitor.post('/visit').expect('Visit number 1')
    await visitor.post('/visit').expect('Visit number 2')
  })

  it('lets who is logged in see the account', async () => {
    const visitor = browser()
    await visitor.get('/account').expect(401)
    await visitor.post('/login').send({ name: 'ada', password: 'lovelace' }).expect(303)
    await visitor.get('/account').expect(200, { user: 'ada' })
  })

  it('logs out of all devices', async () => {
    const [phone, laptop] = [browser(), browser()]
    for (const device of [phone, laptop]) await device.post('/login').send({ name: 'ada', password: 'lovelace' })
    await phone.post('/logout-everywhere').expect(303)
    await laptop.get('/account').expect(401)
  })
})
