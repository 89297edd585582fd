let { promise, resolve } = Promise.withResolvers<void>()

/** Resolves at the next `POST /release`. */
export const released = (): Promise<void> => promise

export function release(): void {
  resolve()
  ;({ promise, resolve } = Promise.withResolvers<void>())
}
