import { Body, Controller, Get, Post, Redirect, UnauthorizedException, UseGuards } from '@nestjs/common'
import type { Session } from '@sess/core'
import { CurrentSession, SessionGuard } from '@sess/nest'
import { UsersService } from './users.service'
import type { Visitor } from './visitor'

const LoggedIn = SessionGuard<Visitor>('user')

@Controller()
export class AppController {
  constructor(private readonly users: UsersService) {}

  @Get()
  show(@CurrentSession() session: Session<Visitor>) {
    const { visits = 0, user = 'a stranger' } = session
    return `${visits} visits by ${user}. ${session.take('notice') ?? ''}`
  }

  @Post('visit')
  visit(@CurrentSession() session: Session<Visitor>) {
    return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
  }

  @Post('login')
  @Redirect('/', 303)
  logIn(@Body() form: { name: string; password: string }, @CurrentSession() session: Session<Visitor>) {
    const user = this.users.find(form.name, form.password)
    if (user === undefined) throw new UnauthorizedException('Wrong name or password.')
    session.regenerate()
    session.user = user
    session.notice = `Welcome, ${user}.`
  }

  @Post('logout')
  @Redirect('/', 303)
  logOut(@CurrentSession() session: Session<Visitor>) {
    session.destroy()
    session.notice = 'You are logged out.'
  }

  @Post('fail')
  fail(@CurrentSession() session: Session<Visitor>) {
    session.update('visits', (n = 0) => n + 1)
    throw new Error('This request fails.')
  }

  @Get('account')
  @UseGuards(LoggedIn)
  account(@CurrentSession() session: Session<Visitor>) {
    return { user: session.user }
  }

  @Post('logout-everywhere')
  @UseGuards(LoggedIn)
  @Redirect('/', 303)
  async logOutEverywhere(@CurrentSession() session: Session<Visitor>) {
    if (session.user !== undefined) await this.users.logOutEverywhere(session.user)
  }
}
