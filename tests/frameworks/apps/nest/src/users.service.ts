import { Injectable } from '@nestjs/common'
import type { Sessions } from '@sess/core'
import { InjectSess } from '@sess/nest'
import type { Visitor } from './visitor'

@Injectable()
export class UsersService {
  constructor(@InjectSess() private readonly sess: Sessions<Visitor>) {}

  find(name: string, password: string): string | undefined {
    return password === 'lovelace' ? name : undefined
  }

  logOutEverywhere(user: string) {
    return this.sess.owner(user).revoke()
  }
}
