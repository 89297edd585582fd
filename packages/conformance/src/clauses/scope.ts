import { isSessError, type ServerStore } from '@sess/core/adapter'
import { expectSame } from '../breach.js'
import { release } from '../harness.js'
import { entry, type ServerStage } from '../stage/server.js'
import { inLanes } from './lanes.js'

/** Lengths at which backends and adapters are known to cut a name. */
const LENGTHS = [40, 64, 101, 129]
/** The longest scope that is looked for: file systems take no name of more than 255 bytes. */
const LONGEST = 200
/** A key of the largest length but one. */
const LONG_KEY = 'k'.repeat(127)

/** Pairs of scopes that a store may take for one. */
export function alikeScopes(stage: ServerStage): readonly (readonly [string, string])[] {
  const others: readonly ((base: string) => string)[] = [
    (base) => `${base}0`,
    (base) => base.slice(0, -1),
    (base) => base.toUpperCase(),
    (base) => `${base.slice(0, -1)}${base.slice(-1).toUpperCase()}`,
  ]
  const longest = longestScope(stage)
  const lengths = [...LENGTHS.filter((length) => length < longest), longest]
  return [
    ...others.map((other) => {
      const base = `${stage.newScope()}xy`
      return [base, other(base)] as const
    }),
    ...lengths.map((length) => {
      const head = stage.newScope().padEnd(length - 1, 'x')
      return [`${head}a`, `${head}b`] as const
    }),
  ]
}

function longestScope(stage: ServerStage): number {
  const base = stage.newScope()
  let [accepted, refused] = [base.length, LONGEST + 1]
  while (refused - accepted > 1) {
    const length = (accepted + refused) >> 1
    if (isAccepted(stage, base.padEnd(length, 'x'))) accepted = length
    else refused = length
  }
  return accepted
}

/** Whether the adapter makes a store for the scope. It may refuse a name that its backend cannot hold. */
function isAccepted(stage: ServerStage, scope: string): boolean {
  try {
    void release(stage.make(stage.optionsOf(scope)))
    return true
  } catch (error) {
    if (isSessError(error) && error.code === 'INVALID_OPTION') return false
    throw error
  }
}

/** Asserts that no call on one scope finds what the other holds. A scope that cannot be used is not tried. */
export async function expectApart(stage: ServerStage, scopes: readonly [string, string]): Promise<void> {
  if (!scopes.every((scope) => isAccepted(stage, scope))) return
  const [one, other] = [stage.open(scopes[0]), stage.open(scopes[1])]
  if (!(await isUsable(one)) || !(await isUsable(other))) return
  const done = (call: string) => `${call} in scope ${scopes[1]}, after a create in scope ${scopes[0]}`
  for (const key of ['key', LONG_KEY]) {
    const given = entry(`${key} of one`)
    const version = await stage.create(one, key, given)
    expectSame(done(`read(${key})`), await other.read(key), null)
    expectSame(done(`update(${key})`), await other.update(key, entry('lost'), version), null)
    await other.destroy(key)
    await stage.create(other, key, entry('of the other'))
    expectSame(`read(${key}) in scope ${scopes[0]}, after calls in scope ${scopes[1]}`, await one.read(key), {
      ...given,
      version,
    })
  }
  const due = 1
  await stage.create(one, 'expired', entry('data', due))
  const before = await one.read('expired')
  await other.prune?.(due)
  if (before !== null && other.prune) expectSame(done('read(expired) after a prune'), await one.read('expired'), before)
}

/** Asserts that keys of 128 characters which differ in the last one are told apart in the longest scope. */
export async function expectLongestKeys(stage: ServerStage): Promise<void> {
  const scope = stage.newScope()
  const store = stage.open(scope.padEnd(longestScope(stage), 'x'))
  if (!(await isUsable(store))) return
  const keys = ['a', 'b', 'A'].map((last) => LONG_KEY + last)
  for (const key of keys) await stage.create(store, key, entry(`data of ${key}`))
  for (const key of keys) {
    const done = `the data read of a key of 128 characters that ends in ${key.slice(-1)}, in the longest scope`
    expectSame(done, (await store.read(key))?.data, `data of ${key}`)
  }
}

/** Whether the backend accepts the name, which the adapter did: it may be too long for a file or a table. */
async function isUsable(store: ServerStore): Promise<boolean> {
  try {
    await store.create('probe', entry('data'))
    await store.destroy('probe')
    return true
  } catch (error) {
    if (isSessError(error) && error.code === 'UNAVAILABLE') return false
    throw error
  }
}

/** Asserts that a scope and a key are not joined to the same name as a longer scope and a shorter key. */
export async function expectNotJoined(stage: ServerStage): Promise<void> {
  const base = stage.newScope()
  await inLanes(['a', '0', 'ab'], async (shared) => {
    const [one, other] = [stage.open(base + shared), stage.open(base)]
    const given = entry('one')
    const version = await stage.create(one, 'key', given)
    const key = `${shared}key`
    const done = `in scope ${base}, after a create of key in scope ${base}${shared}`
    expectSame(`read(${key}) ${done}`, await other.read(key), null)
    await other.destroy(key)
    expectSame(`read(key) in scope ${base}${shared}, after destroy(${key}) in scope ${base}`, await one.read('key'), {
      ...given,
      version,
    })
  })
}
