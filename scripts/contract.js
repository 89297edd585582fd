// Writes docs/contract.md from the clauses of the suite. Run by `npm run contract`, after a change of a clause.
import { writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { clientClauses, serverClauses } from '@sess/conformance'
import { format, resolveConfig } from 'prettier'

const PAGE = fileURLToPath(new URL('../docs/contract.md', import.meta.url))

const INTRODUCTION = `# The contract, clause by clause

A store keeps sessions for \`@sess/core\`. Its methods, their types and what core guarantees to them are in [contract.ts](../packages/core/src/contract.ts). This page is what a store must do in return. [The suite](../packages/conformance/README.md) tries every clause on a store: each case below is one of its tests, and a failure names the clause.

- A **server store** keeps entries on a backend (sections 1 to 7, 9 and 10). A **client store** keeps nothing: it turns an entry into a token that the browser carries, and back (section 8, 7.6 and 10.1).
- **scope**: what a store's options select on its backend, such as a prefix, a table or a file. Instances on one scope are one store.
- **expired**: core decides whether an entry is alive, by its own clock. Any method may treat an expired entry as missing, until it is reclaimed.
- A store names in \`lacks\` what its backend cannot do: \`atomic\` (several concurrent writers may win), \`fresh\` (only the instance that wrote an entry is sure to read it at once), \`retention\` (it may evict entries) or \`durability\` (it is empty after a restart). Cases marked with such words do not fail a store that names one of them. The suite still runs them and reports the outcome.

This page is generated from the suite's clauses by \`npm run contract\`.
`

/** @type {Readonly<Record<string, string>>} */
const SECTIONS = {
  1: 'create',
  2: 'read',
  3: 'update',
  4: 'destroy',
  5: 'Isolation',
  6: 'Expiry',
  7: 'Failure',
  8: 'Client stores',
  9: 'Everything at once',
  10: 'The object',
}

/** @typedef {import('@sess/conformance').ServerClause | import('@sess/conformance').ClientClause} AnyClause */

/** @param {AnyClause} clause */
function markdownOf({ id, says, cases }) {
  const lines = cases.map(({ title, lacks = [], needs = [] }) => {
    const notes = lacks.map((word) => `\`${word}\``).concat(needs.map((need) => `needs \`${need}\``))
    return `- ${escaped(title)}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`
  })
  return `<a id="clause-${id}"></a>\n\n**${id}** ${escaped(says)}\n\n${lines.join('\n')}\n`
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll(/[\\`*_<[]/g, '\\$&')
}

/**
 * @param {string} section
 * @param {readonly AnyClause[]} clauses
 */
function sectionOf(section, clauses) {
  return clauses.filter(({ id }) => id.split('.')[0] === section).map(markdownOf)
}

/** The page, as it must be. */
export async function contractPage() {
  const sections = Object.entries(SECTIONS).flatMap(([section, title]) => {
    const clauses = section === '8' ? clientClauses : serverClauses
    return [`## ${section} ${title}\n`].concat(sectionOf(section, clauses))
  })
  const options = await resolveConfig(PAGE)
  return format([INTRODUCTION, ...sections].join('\n'), { ...options, parser: 'markdown' })
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(PAGE, await contractPage())
}
