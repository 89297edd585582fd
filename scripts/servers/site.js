// What the reverse proxies have in common: a site in the proxy's own language, on a port of 127.0.0.1, with a certificate.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {import('./server.js').Server} Proxy */

/**
 * @typedef {object} Place what a site's settings have to name
 * @property {number} port what to listen on, of 127.0.0.1
 * @property {string} folder which is the proxy's own, and goes when it stops
 * @property {string} certificate the file of the certificate
 * @property {string} privateKey the file of its key
 * @property {string} both one file with both
 */

/**
 * @typedef {object} Site
 * @property {(place: Place) => string} settings in the language of the proxy
 * @property {string} certificate in PEM
 * @property {string} privateKey in PEM
 * @property {number} [port] a free one if undefined
 */

/**
 * Writes the site's settings and certificate into the proxy's folder.
 *
 * @param {Site} site
 * @param {number} port
 * @param {string} folder
 * @returns {string} the settings' file
 */
export function writeSite({ settings, certificate, privateKey }, port, folder) {
  const at = (/** @type {string} */ name) => join(folder, name)
  const place = { port, folder, certificate: at('certificate.pem'), privateKey: at('key.pem'), both: at('both.pem') }
  writeFileSync(place.certificate, certificate)
  writeFileSync(place.privateKey, privateKey)
  writeFileSync(place.both, certificate + privateKey)
  writeFileSync(at('site'), settings(place))
  return at('site')
}
