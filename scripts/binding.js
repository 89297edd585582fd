// vitest's globalSetup, so that one installation works on every Node. better-sqlite3 12 works only on the Node it was
// built for; 13 has builds for Node 22 and later, and crashes Node 20. On Node 22 and later, this links 13 into the
// adapter's own node_modules, which it searches first.
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const MODULES_OF_NODE_22 = 127
const link = fileURLToPath(new URL('../packages/adapter-sqlite/node_modules/better-sqlite3', import.meta.url))
const version13 = fileURLToPath(new URL('../node_modules/better-sqlite3-13', import.meta.url))

export function setup() {
  rmSync(link, { force: true })
  if (Number(process.versions.modules) < MODULES_OF_NODE_22) return
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(version13, link, 'dir')
}

export function teardown() {
  rmSync(link, { force: true })
}
