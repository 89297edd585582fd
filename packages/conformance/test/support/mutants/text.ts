import { mutant, type Mutant } from '../mutant.ts'

type Alter = (text: string) => string

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Alters only texts that match. */
function where(pattern: RegExp, alter: Alter): Alter {
  return (text) => (pattern.test(text) ? alter(text) : text)
}

/** Alters only JSON objects. */
function ofObjects(alter: (object: Record<string, unknown>) => unknown): Alter {
  return (text) => {
    const value = parsed(text)
    return isObject(value) ? JSON.stringify(alter(value)) : text
  }
}

/** What a store does to text that it does not keep opaque. */
const ALTERED: Readonly<Record<string, Alter>> = {
  'formats JSON again': (text) => (parsed(text) === undefined ? text : JSON.stringify(parsed(text))),
  'writes JSON objects anew': ofObjects((object) => object),
  'removes $ from the fields of JSON objects': ofObjects((object) =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name.replace('$', ''), value])),
  ),
  'unpacks JSON texts': (text) => {
    const value = parsed(text)
    return typeof value === 'string' ? value : text
  },
  'writes numbers anew': where(/^\d+$/, (text) => String(Number(text))),
  'writes numbers with a fraction anew': where(/^\d+\.\d+$/, (text) => String(Number(text))),
  'writes out exponents': where(/^\d+e\d{1,2}$/, (text) => String(Number(text))),
  'trims numbers': where(/^ *\d+ *$/, (text) => text.trim()),
  'drops the sign of a number': where(/^[+]\d+$/, (text) => text.slice(1)),
  'takes negative zero for zero': where(/^-0$/, () => '0'),
  'writes hexadecimal numbers in decimals': where(/^0x/, (text) => String(Number(text))),
  'takes the text null for no text': where(/^null$/, () => ''),
  'takes the text undefined for no text': where(/^undefined$/, () => ''),
  'writes truth values as numbers': where(/^(?:true|false)$/i, (text) => String(Number(/^true$/i.test(text)))),
  'writes truth values in small letters': where(/^(?:true|false)$/i, (text) => text.toLowerCase()),
  'adds the time to a date': where(/^\d{4}-\d\d-\d\d$/, (text) => `${text}T00:00:00.000Z`),
  'writes dates in UTC': where(/^\d{4}-\d\d-\d\dT/, (text) => new Date(text).toISOString()),
  'removes line feeds at the end': (text) => text.replace(/\n+$/, ''),
  'ends lines with a line feed': (text) => text.replaceAll('\r', '\n'),
  'replaces tabs by blanks': (text) => text.replaceAll('\t', ' '),
  'decodes escapes': (text) =>
    text.replaceAll(/\\x(\w\w)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
  'decodes percent escapes': (text) => text.replaceAll('%41', 'A'),
  'takes a plus for a blank': where(/^[^ ]+\+\w+$/, (text) => text.replaceAll('+', ' ')),
  'decodes HTML entities': (text) => text.replaceAll('&lt;', '<'),
  'decodes base64': where(/^(?:[A-Za-z0-9+/]{4})+[A-Za-z0-9+/]{3}=$/, (text) => Buffer.from(text, 'base64').toString()),
  'decodes hexadecimal digits': where(/^(?:[0-9A-F]{2}){2,}$/, (text) => Buffer.from(text, 'hex').toString()),
  'fills in placeholders': (text) => text.replaceAll(/\$\{\w+\}/g, ''),
  'cuts comments': (text) => text.replace(/ # .*$/, ''),
  'drops control characters': (text) => text.replaceAll(/[\u0080-\u009F]/g, ''),
  'drops characters of no width': (text) => text.replaceAll(/[\u200B\u00AD\u2060]/g, ''),
  'replaces compatibility characters': (text) => text.replaceAll('①', '1'),
  'replaces private characters': (text) => text.replaceAll(/[\uE000-\uF8FF]/g, '?'),
}

/** How a store combines the old data with the new data of an update. */
const COMBINED: Readonly<Record<string, (before: string, after: string) => string>> = {
  'merges JSON objects': (before, after) => merged(before, after, (one, other) => ({ ...one, ...other })),
  'merges JSON objects at every depth': (before, after) => merged(before, after, deeplyMerged),
  'applies JSON objects as merge patches': (before, after) =>
    merged(before, after, (one, other) =>
      Object.fromEntries(Object.entries({ ...one, ...other }).filter(([, value]) => value !== null)),
    ),
  'appends to JSON arrays': (before, after) => {
    const [old, added] = [parsed(before), parsed(after)]
    return Array.isArray(old) && Array.isArray(added) ? JSON.stringify([...old, ...added]) : after
  },
  'adds numbers': (before, after) =>
    /^\d+$/.test(before) && /^\d+$/.test(after) ? String(Number(before) + Number(after)) : after,
  'ignores an empty text': (before, after) => (after === '' ? before : after),
  'ignores the text null': (before, after) => (after === 'null' ? before : after),
  'ignores a change of case': (before, after) => (before.toLowerCase() === after.toLowerCase() ? before : after),
  'ignores a change of blanks': (before, after) => (before.trim() === after.trim() ? before : after),
  'ignores a change of normal form': (before, after) => (before.normalize() === after.normalize() ? before : after),
  'ignores a number of the same value': (before, after) => (isSameNumber(before, after) ? before : after),
  'ignores another order of fields': (before, after) => (sorted(before) === sorted(after) ? before : after),
  'keeps the end of a longer text': (before, after) => (before.startsWith(after) ? before : after),
  'writes only what was added at the end': (before, after) =>
    before.length > 1 && after.startsWith(before) ? before + after.slice(before.length).trim() : after,
}

type Combine = (one: Record<string, unknown>, other: Record<string, unknown>) => Record<string, unknown>

function merged(before: string, after: string, combine: Combine): string {
  const [old, patch] = [parsed(before), parsed(after)]
  return isObject(old) && isObject(patch) ? JSON.stringify(combine(old, patch)) : after
}

function deeplyMerged(one: Record<string, unknown>, other: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(other).map(([name, value]): [string, unknown] => {
    const old = one[name]
    return [name, isObject(old) && isObject(value) ? deeplyMerged(old, value) : value]
  })
  return { ...one, ...Object.fromEntries(fields) }
}

function isSameNumber(before: string, after: string): boolean {
  return /^[\d.]+$/.test(before) && Number(before) === Number(after)
}

function sorted(text: string): string {
  const value = parsed(text)
  if (!isObject(value)) return text
  return JSON.stringify(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** Each alteration in one of the two methods that write. */
export const textMutants: readonly Mutant[] = [
  ...Object.entries(ALTERED).map(([name, alter], at) =>
    at % 2 === 0
      ? mutant('1.1', `${name} when it creates`, {
          stores: () => (store) => ({
            create: (key, entry) => store.create(key, { ...entry, data: alter(entry.data) }),
          }),
        })
      : mutant('3.1', `${name} when it updates`, {
          stores: () => (store) => ({
            update: (key, entry, version) => store.update(key, { ...entry, data: alter(entry.data) }, version),
          }),
        }),
  ),
  ...Object.entries(COMBINED).map(([name, combine]) =>
    mutant('3.1', name, {
      stores:
        ({ server }) =>
        (store, scope) => ({
          update(key, { data, expiresAt }, version) {
            const before = server.stored(scope, key)
            const isCurrent = before?.version === version
            return store.update(key, { data: isCurrent ? combine(before.data, data) : data, expiresAt }, version)
          },
        }),
    }),
  ),
]
