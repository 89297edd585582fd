import { Test } from '@nestjs/testing'
import { AppController } from './app.controller'
import { UsersService } from './users.service'

describe('AppController', () => {
  let controller: AppController

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      controllers: [AppController],
      providers: [{ provide: UsersService, useValue: {} }],
    }).compile()
    controller = module.get(AppController)
  })

  it('counts a visit', () => {
    const update = jest.fn((_key: string, change: (value?: number) => number) => change(4))
    expect(controller.visit({ update } as never)).toBe('Visit number 5')
  })
})
