/**
 * A schema of any library that follows Standard Schema, version 1 (standardschema.dev), such as Zod, Valibot and ArkType. The
 * specification asks to be copied where a dependency for its types alone is unwanted.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What libraries agree on. */
  readonly '~standard': {
    /** The version of the specification. */
    readonly version: 1
    /** The name of the library. */
    readonly vendor: string
    /** Checks a value. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** For the compiler alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema makes of a value, or what it has against it. */
export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

/** What a schema has against a value. */
export interface SchemaIssue {
  /** In the library's words. It may repeat the value. */
  readonly message: string
  /** Where, from the outside in. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
