import type { Action, Answer, Request, Server } from './owner-fleet.ts'

/** One login and the session that it began, wherever that has moved. Times are numbers of the round's events. */
interface Login {
  readonly device: string
  readonly sent: number
  /** When its request opened its session. `undefined`: that was in another process. */
  readonly opened: number | undefined
  readonly received: number
  /** All that it was sent, the current one last. */
  readonly cookies: string[]
  /** As its browser last heard it. */
  id: string | undefined
  isLoggedOut: boolean
  /** Whether a request is under way that moves it. */
  isMoving: boolean
}

interface Revocation {
  readonly called: number
  readonly resolved: number
  /** Whether a login that is older need not be dead. */
  readonly spares: (login: Login) => boolean
  /** Whether a login that is not younger may be dead. */
  readonly mayHaveEnded: (login: Login) => boolean
}

export interface RoundSetting {
  readonly user: string
  readonly browsers: number
  /** How many times each browser asks for something. */
  readonly steps: number
  readonly revocations: number
  readonly servers: readonly Server[]
  readonly revoker: Server
  readonly random: () => number
}

const TABS: readonly (readonly Action[])[] = [
  ['move'],
  ['move'],
  ['change'],
  ['move and change'],
  ['logout'],
  ['logout'],
  ['look'],
  ['change', 'move'],
  ['move', 'move'],
  ['move', 'logout'],
  ['change', 'change'],
]
const MOVING: ReadonlySet<Action> = new Set(['move', 'move and change'])

/** Browsers of one user that log in, move, change and log out, while the user's sessions are revoked. */
export class Round {
  readonly #setting: RoundSetting
  readonly #logins: Login[] = []
  readonly #revocations: Revocation[] = []
  readonly #complaints: string[] = []
  /** Each event has a time of its own. */
  #time = 0
  #answers = 0
  #refused = 0
  #waiting: { readonly answers: number; readonly resolve: () => void } | undefined

  constructor(setting: RoundSetting) {
    this.#setting = setting
  }

  /** Resolves with what was wrong. */
  async run(): Promise<readonly string[]> {
    const { browsers, steps } = this.#setting
    await Promise.all([this.#revoke(), ...Array.from({ length: browsers }, () => this.#browse(steps))])
    // Whoever comes now comes after every revocation.
    await Promise.all(Array.from({ length: browsers / 2 }, () => this.#browse(2)))
    await this.#judge()
    return this.#complaints
  }

  /** How often what the promises are about has happened. */
  get stats(): ReadonlyMap<string, number> {
    const all = this.#revocations
    const before = this.#logins.filter((login) => all.some(({ called }) => login.received < called))
    const after = this.#logins.filter((login) => all.every(({ resolved }) => login.sent > resolved))
    return new Map([
      ['logins', this.#logins.length],
      ['refused logins', this.#refused],
      ['revocations', all.length],
      ['logins before a revocation', before.length],
      ['logins after all revocations', after.length],
    ])
  }

  async #browse(steps: number): Promise<void> {
    let login: Login | undefined
    for (let step = 0; step < steps; step++) {
      if (login === undefined) login = await this.#logIn()
      else if (!(await this.#use(login, this.#one(TABS)))) login = undefined
    }
  }

  async #logIn(): Promise<Login | undefined> {
    const device = `login ${this.#setting.user} ${this.#logins.length} ${this.#time}`
    const anonymous = this.#setting.random() < 0.3 ? await this.#ask({ action: 'begin' }) : undefined
    const cookie = anonymous?.cookie
    const sent = this.#time++
    let opened: number | undefined
    const answer = await this.#ask({ action: 'login', device, ...(cookie !== undefined && { cookie }) }, () => {
      opened = this.#time++
    })
    if (answer.code === 'CONFLICT') this.#refused++
    if (answer.code !== 'ok') return undefined
    if (answer.cookie === undefined) this.#complain(`${device} was sent no cookie`)
    const cookies = [answer.cookie ?? '']
    const login = {
      device,
      sent,
      opened,
      received: this.#time++,
      cookies,
      id: answer.id,
      isLoggedOut: false,
      isMoving: false,
    }
    this.#logins.push(login)
    return login
  }

  /** Sends the requests of a browser's tabs at once. Resolves with whether it still has its session, as far as it knows. */
  async #use(login: Login, actions: readonly Action[]): Promise<boolean> {
    const cookie = cookieOf(login)
    login.isMoving = actions.some((action) => MOVING.has(action))
    const answers = await Promise.all(
      actions.map(async (action) => ({ action, answer: await this.#ask({ action, cookie }) })),
    )
    login.isMoving = false
    const heard = answers.filter(({ answer }) => answer.data['device'] === login.device)
    const moved = heard.filter(({ action, answer }) => MOVING.has(action) && (answer.cookie ?? '') !== '')
    if (moved.length > 1) this.#complain(`${login.device} was moved by two requests`)
    for (const { answer } of moved) {
      login.cookies.push(answer.cookie ?? '')
      login.id = answer.id
    }
    if (heard.some(({ action, answer }) => action === 'logout' && answer.code === 'ok')) login.isLoggedOut = true
    return heard.length > 0 && !login.isLoggedOut
  }

  /** From the page of the user's account, which is a browser too. */
  async #revoke(): Promise<void> {
    const { revocations, browsers, steps, revoker, user } = this.#setting
    let page = await this.#logIn()
    for (let count = 1; count <= revocations; count++) {
      await this.#untilAnswered(((count - this.#setting.random()) / revocations) * browsers * steps * 0.8)
      page ??= await this.#logIn()
      const target = this.#any(this.#logins.filter((login) => login !== page && login.id !== undefined))
      const wanted = this.#one(['all', 'others', 'one'] as const)
      const kind = (wanted === 'others' ? page : wanted === 'one' ? target : undefined) ? wanted : 'all'
      const [excepted, id] = [page, target?.id]
      // A session that moves has two names at the time.
      const wasMoving = target?.isMoving === true
      const answering = this.#ask(
        {
          action: `revoke ${kind}`,
          user,
          ...(kind === 'others' && excepted && { cookie: cookieOf(excepted) }),
          ...(kind === 'one' && id !== undefined && { id }),
        },
        undefined,
        revoker,
      )
      const called = this.#time++
      const { count: ended = 0 } = await answering
      const isFound = ended > 0 || (!wasMoving && target?.isMoving === false && target.id === id)
      const resolved = this.#time++
      const revocation: Revocation =
        kind === 'one'
          ? {
              called,
              resolved,
              spares: (login) => login !== target || !isFound,
              mayHaveEnded: (login) => login === target,
            }
          : {
              called,
              resolved,
              spares: (login) => kind === 'others' && login === excepted,
              mayHaveEnded: (login) => kind === 'all' || login !== excepted,
            }
      this.#revocations.push(revocation)
      await this.#expectDead(revocation)
      if (kind === 'all') page = undefined
    }
  }

  /** At once: whatever cookies were sent until now open nothing. */
  async #expectDead(revocation: Revocation): Promise<void> {
    const doomed = this.#logins.filter((login) => mustBeDead(login, revocation))
    await Promise.all(
      doomed.flatMap(({ device, cookies }) =>
        cookies.map(async (cookie) => {
          const { data } = await this.#ask({ action: 'look', cookie })
          if (data['user'] !== undefined) this.#complain(`${device} is alive after it was revoked`)
        }),
      ),
    )
  }

  async #judge(): Promise<void> {
    const { user } = this.#setting
    const states = await Promise.all(
      this.#logins.map(async (login) => {
        const { data, cookie } = await this.#ask({ action: 'look', cookie: cookieOf(login) })
        if (cookie !== undefined) this.#complain(`a look at ${login.device} was sent a cookie`)
        return { login, data, isAlive: data['user'] === user && data['device'] === login.device }
      }),
    )
    for (const { login, isAlive } of states) {
      const isDoomed = login.isLoggedOut || this.#revocations.some((revocation) => mustBeDead(login, revocation))
      const isSafe = !this.#revocations.some(
        ({ resolved, mayHaveEnded }) => resolved > login.sent && mayHaveEnded(login),
      )
      if (isAlive && isDoomed) this.#complain(`${login.device} lives`)
      if (!isAlive && isSafe && !login.isLoggedOut) this.#complain(`${login.device} is dead`)
    }
    const alive = states.filter(({ isAlive }) => isAlive)
    await Promise.all(states.map(({ login, data, isAlive }) => this.#judgeOldTokens(login, data, isAlive)))
    await this.#expectListed(alive.map(({ login }) => login.device))
    if (this.#setting.random() < 0.5) {
      await Promise.all(alive.map(({ login }) => this.#ask({ action: 'logout', cookie: cookieOf(login) })))
    } else {
      const { count } = await this.#ask({ action: 'revoke all', user })
      if (count !== alive.length) this.#complain(`${alive.length} sessions were alive, and ${count} were ended`)
    }
    await this.#expectListed([])
    for (const { login } of alive) {
      const { data } = await this.#ask({ action: 'look', cookie: cookieOf(login) })
      if (data['user'] !== undefined) this.#complain(`${login.device} is alive after everything was ended`)
    }
  }

  /** What a session has moved from can neither be written nor, once the session is dead, be read. */
  async #judgeOldTokens(login: Login, data: Answer['data'], isAlive: boolean): Promise<void> {
    for (const cookie of login.cookies.slice(0, -1)) {
      const { data: old, code } = await this.#ask({ action: isAlive ? 'change' : 'look', cookie })
      if (isAlive && code !== 'CONFLICT') this.#complain(`an old token of ${login.device} was written with: ${code}`)
      if (!isAlive && old['user'] !== undefined)
        this.#complain(`an old token of ${login.device}, which is dead, is read`)
    }
    if (!isAlive || login.cookies.length === 1) return
    const { data: now } = await this.#ask({ action: 'look', cookie: cookieOf(login) })
    if (now['changes'] !== data['changes']) this.#complain(`an old token has changed ${login.device}`)
  }

  async #expectListed(devices: readonly string[]): Promise<void> {
    const { devices: listed = [] } = await this.#ask({ action: 'list', user: this.#setting.user })
    const [expected, found] = [devices, listed.map(String)].map((all) => [...all].toSorted(byText).join())
    if (expected !== found) this.#complain(`listed are [${found}], and alive are [${expected}]`)
  }

  async #ask(
    request: Request,
    onOpen?: () => void,
    server: Server = this.#one(this.#setting.servers),
  ): Promise<Answer> {
    const answer = await server.ask({ user: this.#setting.user, ...request }, onOpen)
    if (answer.code !== 'ok' && answer.code !== 'CONFLICT') {
      this.#complain(`${request.action} was answered with ${answer.code}`)
    }
    this.#answers++
    if (this.#waiting && this.#answers >= this.#waiting.answers) this.#waiting.resolve()
    return answer
  }

  #untilAnswered(answers: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { answers, resolve }
      if (this.#answers >= answers) resolve()
    })
  }

  #any<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#setting.random() * items.length)]
  }

  #one<T>(items: readonly T[]): T {
    const item = this.#any(items)
    if (item === undefined) throw new Error('there is nothing to choose from')
    return item
  }

  #complain(complaint: string): void {
    this.#complaints.push(complaint)
  }
}

/** A login counts as older than a revocation if it was answered before, or, where that is known, has opened its session before. */
function mustBeDead(login: Login, { called, spares }: Revocation): boolean {
  return (login.opened ?? login.received) < called && !spares(login)
}

function cookieOf({ cookies }: Login): string {
  return cookies[cookies.length - 1] ?? ''
}

const byText = (one: string, other: string): number => (one < other ? -1 : Number(one > other))
