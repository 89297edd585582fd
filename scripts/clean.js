// Removes what the build made and what turbo remembers of it. Run by `npm run clean`.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const folders = ['packages', 'examples'].flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)))

for (const path of ['.turbo', ...folders.flatMap((folder) => [join(folder, 'dist'), join(folder, '.turbo')])]) {
  rmSync(path, { recursive: true, force: true })
}
