/**
 * What the compiler sees of the adapters while it builds core: nothing. Core's declarations name the types of their
 * options; were the names resolved in this workspace, the adapters' declarations would lead back to core's own output.
 */
export {}
