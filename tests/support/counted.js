/**
 * The store, and how often it was called.
 *
 * @param {import('@sess/core/adapter').ServerStore} store
 */
export function counted(store) {
  const { contract, kind, name, maxBytes, deadline } = store
  let calls = 0
  /** @type {import('@sess/core/adapter').ServerStore} */
  const counting = {
    contract,
    kind,
    name,
    maxBytes,
    deadline,
    create(key, entry) {
      calls++
      return store.create(key, entry)
    },
    read(key) {
      calls++
      return store.read(key)
    },
    update(key, entry, version) {
      calls++
      return store.update(key, entry, version)
    },
    destroy(key) {
      calls++
      return store.destroy(key)
    },
    close: () => store.close(),
  }
  return { store: counting, calls: () => calls }
}
