import { invalidOption } from './check.js'

/**
 * Checks that the options which are set all come from one of the groups, such as `['pool']` and `['url',
 * 'connections']`. Otherwise it throws `INVALID_OPTION`, which names an option to leave out. `owner` is the first part
 * of the names in messages, as in `readOptions`.
 */
export function exclusive<Options extends object>(
  owner: string,
  options: Options,
  ...groups: readonly (readonly (keyof Options & string)[])[]
): void {
  const [first, ...others] = groups.flatMap((group) => {
    const set = group.filter((name) => options[name] !== undefined)
    return set.length === 0 ? [] : [set]
  })
  for (const name of others.flat()) {
    throw invalidOption(`${owner}.${name}`, options[name], `nothing, because ${owner}.${first?.[0]} is set`)
  }
}
