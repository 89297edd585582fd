import { CERTIFICATE, PRIVATE_KEY } from '../../../packages/core/test/support/certificate.ts'
import { startCaddy } from '../../../scripts/servers/caddy.js'
import { startHaproxy } from '../../../scripts/servers/haproxy.js'
import { startNginx } from '../../../scripts/servers/nginx.js'
import type { Place, Proxy, Site } from '../../../scripts/servers/site.js'
import { Document } from './document.ts'

const page = new Document('docs/guide/proxies.md')

/** The ports and files in the page's configurations, and what a test puts in their place. */
type Replacements = readonly (readonly [onPage: string, here: string])[]

interface Kind {
  readonly name: string
  readonly start: (site: Site) => Promise<Proxy>
  /** The configuration on the page. */
  readonly settings: string
  readonly replacements: (place: Place) => Replacements
}

export const NGINX: Kind = {
  name: 'nginx',
  start: startNginx,
  settings: blockOf('nginx', 'shop.conf'),
  replacements: ({ port, certificate, privateKey }) => [
    ['listen 443', `listen 127.0.0.1:${port}`],
    ['/etc/ssl/shop.example.crt', certificate],
    ['/etc/ssl/shop.example.key', privateKey],
  ],
}

export const HAPROXY: Kind = {
  name: 'HAProxy',
  start: startHaproxy,
  settings: blockOf('haproxy', 'haproxy.cfg'),
  replacements: ({ port, both }) => [
    ['bind :443', `bind 127.0.0.1:${port}`],
    ['/etc/haproxy/shop.example.pem', both],
  ],
}

export const CADDY: Kind = {
  name: 'Caddy',
  start: startCaddy,
  settings: blockOf('caddyfile', ''),
  // Caddy would order a certificate.
  replacements: ({ port, certificate, privateKey }) => [
    ['shop.example {', `https://shop.example:${port} {\n\ttls ${certificate} ${privateKey}`],
  ],
}

/** The text of the page's only block with that label. */
export function blockOf(language: string, use: string): string {
  const [block, ...others] = page.blocks.filter((each) => each.language === language && each.use === use)
  if (block === undefined || others.length > 0)
    throw new Error(`expected one block '${language} ${use}' on ${page.path}`)
  return `${block.text}\n`
}

/** The message in a table of the page that begins so. */
export function messageOf(beginning: string): string {
  const message = page.rows.find((row) => row.startsWith(beginning))
  if (message === undefined) throw new Error(`no message '${beginning}' on ${page.path}`)
  return message
}

/** Replaces what is in a text, and fails where it is not. */
export function replaced(text: string, replacements: Replacements): string {
  for (const [before] of replacements) if (!text.includes(before)) throw new Error(`${before} is not in: ${text}`)
  let result = text
  for (const [before, after] of replacements) result = result.replaceAll(before, after)
  return result
}

/** Starts a proxy with the page's configuration, before an application with these ports. `adapt` changes the result. */
export function startProxy(
  { start, settings, replacements }: Kind,
  ports: readonly number[],
  adapt: (settings: string, place: Place) => string = (unchanged) => unchanged,
): Promise<Proxy> {
  const upstreams = ports.map((port, index) => [`127.0.0.1:${3000 + index}`, `127.0.0.1:${port}`] as const)
  return start({
    settings: (place) => adapt(replaced(settings, [...replacements(place), ...upstreams]), place),
    certificate: CERTIFICATE,
    privateKey: PRIVATE_KEY,
  })
}
