/**
 * What the compiler sees of the adapters while it builds core, or a package that uses `@sess/core/adapter`: nothing. Core's
 * declarations name the types of their options; were the names resolved in this workspace, the adapters' declarations would
 * lead back to the output of the package itself, or to that of one which is being built.
 */
export {}
