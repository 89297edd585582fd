import type { Handler } from './slice.js'

const STYLE = `
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }
body { max-width: 42rem; margin: 0 auto; padding: 1rem }
nav { display: flex; flex-wrap: wrap; gap: 1rem }
h1 { font-size: 1.6rem }
h2 { font-size: 1.2rem }
li { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between; padding: .5rem 0; border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent) }
ul { list-style: none; padding: 0 }
[role=status] { padding: .5rem 1rem; border-left: .3rem solid; background: color-mix(in srgb, currentColor 8%, transparent) }
label { display: block; margin: .5rem 0 }
input { display: block; width: 100%; box-sizing: border-box }
input, button { font: inherit; padding: .3rem .7rem }
`

/** Opens no session, so it costs none, and any cache may keep it. */
export const sendStyle: Handler = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/css', 'cache-control': 'public, max-age=3600' }).end(STYLE)
}
