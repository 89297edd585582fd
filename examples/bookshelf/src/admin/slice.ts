import { sessions, type Sessions } from '@sess/core'
import type { Config } from '../config.js'
import { readForm } from '../form.js'
import { html } from '../html.js'
import { HttpError } from '../http-error.js'
import { guarded } from '../membership.js'
import { redirect, sendPage } from '../page.js'
import type { Handler, Slice } from '../slice.js'
import type { Users } from '../users.js'
import type { Visitor } from '../visitor.js'

const MAX_NOTICE_LENGTH = 200

/** The back office. It shares the sessions of the main slice, because store and secret are the same. */
export function adminSlice({ store, options, listsSessions }: Config, users: Users): Slice {
  const sess: Sessions<Visitor> = sessions(store, options)

  const show: Handler = async (request, response) => {
    const { user } = await sess.open(request, response)
    const who =
      user === undefined
        ? html`<p>You are not logged in. <a href="/login">Log in</a></p>`
        : html`<p>You are logged in as <strong id="user">${user}</strong>.</p>`
    const form = html`<form method="post" action="/admin/notice">
      <label>Notice for the next page <input name="notice" maxlength="${MAX_NOTICE_LENGTH}" required /></label>
      <button>Post</button>
    </form>`
    const isLibrarian = users.find(user)?.isLibrarian === true
    sendPage(response, {
      title: 'Admin',
      isLive: listsSessions && user !== undefined,
      body: html`${who} ${isLibrarian ? form : html`<p>Only the librarian can post notices.</p>`}`,
    })
  }

  const putNotice: Handler = async (request, response) => {
    const notice = (await readForm(request)).get('notice') ?? ''
    const session = await sess.open(request, response)
    if (users.find(session.user)?.isLibrarian !== true) throw new HttpError(403, 'Only the librarian can post notices.')
    if (notice === '' || notice.length > MAX_NOTICE_LENGTH) {
      throw new HttpError(422, `A notice must have 1 to ${MAX_NOTICE_LENGTH} characters.`)
    }
    session.notice = notice
    redirect(response, '/')
  }

  return {
    routes: {
      '': { GET: guarded(sess, show) },
      '/notice': { POST: guarded(sess, putNotice) },
    },
    close: () => sess.close(),
  }
}
