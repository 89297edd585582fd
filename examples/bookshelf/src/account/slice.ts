import type { ServerResponse } from 'node:http'
import { type Session, sessions, type Sessions } from '@sess/core'
import type { Config } from '../config.js'
import { readForm } from '../form.js'
import { HttpError } from '../http-error.js'
import { guarded } from '../membership.js'
import { redirect, sendPage } from '../page.js'
import type { Handler, Slice } from '../slice.js'
import type { User, Users } from '../users.js'
import type { Visitor } from '../visitor.js'
import { sendScript } from './live.js'
import { devicesPage, noDevicesPage, PASSWORD_LENGTH, passwordPage } from './pages.js'
import { Streams } from './streams.js'

/** How long after a login the password is not asked for again. */
const FRESH = '10m'

/** What users see and change of themselves: the devices that they are logged in on, and their password. */
export function accountSlice({ store, options, listsSessions }: Config, users: Users): Slice {
  const sess: Sessions<Visitor> = sessions(store, options)
  const streams = new Streams()

  /** The handler of a page that only users have. */
  const forUsers = (act: (visit: Visit) => void | Promise<void>): Handler => {
    return async (request, response) => {
      // Before the session is opened: one that ends while a slow form arrives can do nothing any more.
      const form = request.method === 'POST' ? await readForm(request) : new URLSearchParams()
      const handle = guarded(sess, async () => {
        const session = await sess.open(request, response)
        const user = users.find(session.user)
        if (user !== undefined) return act({ response, session, user, form })
        session.notice = 'Log in first.'
        redirect(response, '/login')
      })
      await handle(request, response)
    }
  }

  const showDevices = forUsers(async ({ response, session, user }) => {
    const listed = await sess.owner(user.name).sessions()
    const devices = listed.map(({ id, startedAt, lastUsedAt, data }) => ({
      id,
      name: data.device,
      startedAt,
      lastUsedAt,
      isThis: id === sess.id(session),
    }))
    sendPage(response, devicesPage({ notice: session.take('notice'), devices }))
  })

  const showNoDevices = forUsers(({ response, session }) => {
    sendPage(response, noDevicesPage({ notice: session.take('notice') }))
  })

  const endOne = forUsers(async ({ response, session, user, form }) => {
    const id = form.get('session') ?? ''
    if (id === sess.id(session)) throw new HttpError(422, 'Log out to end the session of this device.')
    const ended = await sess.owner(user.name).revoke({ id })
    session.notice = ended > 0 ? 'The session has ended.' : 'There is no such session any more.'
    redirect(response, '/account')
  })

  const endOthers = forUsers(async ({ response, session, user }) => {
    const ended = await sess.owner(user.name).revoke({ except: session })
    session.notice = `Other sessions ended: ${ended}.`
    redirect(response, '/account')
  })

  const showPassword = forUsers(({ response, session, user }) => {
    const asksAgain = !sess.isFresh(session, FRESH)
    const notice = session.take('notice')
    sendPage(response, passwordPage({ notice, isLive: listsSessions, user: user.name, asksAgain }))
  })

  const changePassword = forUsers(async ({ response, session, user, form }) => {
    const password = form.get('new') ?? ''
    const { min, max } = PASSWORD_LENGTH
    if (password.length < min || password.length > max) {
      throw new HttpError(422, `A password must have ${min} to ${max} characters.`)
    }
    if (!sess.isFresh(session, FRESH)) {
      if (form.get('current') !== user.password) {
        session.notice = 'That is not your current password.'
        redirect(response, '/account/password')
        return
      }
      // The password was shown again, which is a login: it moves to a new token, which the same name alone would not do.
      session.user = user.name
      session.regenerate()
    }
    // Before the others are ended: from here on, nobody logs in with the old password.
    users.setPassword(user, password)
    const ended = listsSessions ? await sess.owner(user.name).revoke({ except: session }) : undefined
    session.notice = `Your password is changed. ${ended === undefined ? STAY : `Other sessions ended: ${ended}.`}`
    redirect(response, '/account')
  })

  const streamEvents: Handler = async (request, response) => {
    streams.start(response, await sess.watch(request))
  }

  const listRoutes = {
    '': { GET: showDevices },
    '/end': { POST: endOne },
    '/end-others': { POST: endOthers },
    '/events': { GET: streamEvents },
    '/live.js': { GET: sendScript },
  }

  return {
    routes: {
      ...(listsSessions ? listRoutes : { '': { GET: showNoDevices } }),
      '/password': { GET: showPassword, POST: changePassword },
    },
    endStreams: () => streams.close(),
    close: () => sess.close(),
  }
}

const STAY = 'Other browsers stay logged in.'

/** A request of a user. */
interface Visit {
  readonly response: ServerResponse
  readonly session: Session<Visitor>
  readonly user: User
  /** Empty unless the request is a POST. */
  readonly form: URLSearchParams
}
