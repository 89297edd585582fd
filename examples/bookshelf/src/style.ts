import type { Handler } from './slice.js'

const STYLE = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#fdfbf7, #1c1917);
  --ink: light-dark(#29241f, #ebe4da);
  --quiet: light-dark(#6a5f55, #b5aa9e);
  --line: light-dark(#e4dccf, #3c362f);
  --accent: light-dark(#8c2f1b, #f2ab91);
  font: 1.0625rem/1.5 system-ui, sans-serif;
  accent-color: var(--accent);
}
body { max-width: 42rem; margin: 0 auto; padding: 1rem; background: var(--paper); color: var(--ink) }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; justify-content: space-between; border-bottom: 2px solid }
header strong, h1, cite { font-family: Charter, Georgia, serif }
nav { display: flex; gap: 1.25rem }
a { color: var(--accent); text-underline-offset: .2em }
nav a { padding-bottom: .4rem; text-decoration: none }
nav a[aria-current] { border-bottom: 4px solid }
h1 { margin: 1.5rem 0 1rem; font-size: 2rem; line-height: 1.2 }
h2 { margin-top: 2.5rem; font-size: 1.1rem }
ul { list-style: none; padding: 0 }
li { display: flex; gap: 1rem; align-items: center; padding: .75rem 0; border-top: 1px solid var(--line) }
li p { flex: 1; margin: 0; color: var(--quiet) }
li cite { display: block; font-size: 1.15rem; line-height: 1.3; font-style: normal }
li cite, li strong, code { color: var(--ink) }
[role=status] { padding: .75rem 1rem; border-left: .3rem solid var(--accent); background: color-mix(in srgb, var(--accent) 10%, transparent) }
label { display: block; margin-bottom: 1rem; font-weight: 600 }
input, button { box-sizing: border-box; padding: .5rem .9rem; border: 1px solid var(--quiet); border-radius: .35rem; font: inherit }
input { display: block; width: 100%; margin-top: .25rem; font-weight: normal; background: transparent; color: inherit }
input[type=checkbox] { display: inline; width: auto; margin: 0 .5rem 0 0 }
button { border-color: var(--accent); background: transparent; color: var(--accent); cursor: pointer }
button:hover, label + button { background: var(--accent); color: var(--paper) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
`

/** Opens no session, so any cache may store the response. */
export const sendStyle: Handler = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/css', 'cache-control': 'public, max-age=3600' }).end(STYLE)
}
