import type { Handler } from '../slice.js'

/**
 * A browser has at most six connections to a server of HTTP/1.1, over all tabs. So only a page that is seen has a stream. A
 * form is closing the page, which need not hear of its own logout.
 */
const SCRIPT = `
let events
function follow() {
  events?.close()
  events = document.hidden ? undefined : new EventSource('/account/events')
  events?.addEventListener('ended', say)
}
function say() {
  stop()
  const notice = document.createElement('p')
  notice.setAttribute('role', 'status')
  notice.textContent = 'Your session has ended on the server. Nothing more can be done on this page.'
  document.querySelector('h1').after(notice)
}
function stop() {
  document.removeEventListener('visibilitychange', follow)
  events?.close()
}
document.addEventListener('visibilitychange', follow)
document.addEventListener('submit', stop)
follow()
`

/** Opens no session, so any cache may store the response. */
export const sendScript: Handler = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'public, max-age=3600' }).end(SCRIPT)
}
