// Removes the output of the build and turbo's caches. Run by `npm run clean`.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const folders = ['packages', 'examples'].flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)))

for (const path of ['.turbo', ...folders.flatMap((folder) => [join(folder, 'dist'), join(folder, '.turbo')])]) {
  rmSync(path, { recursive: true, force: true })
}
