/** What a command reads, and where it writes. */
export interface Surroundings {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  /** The folder that paths are relative to. */
  readonly cwd: string
  /** Aborted when the command has to stop. The reason is the error to report. */
  readonly signal: AbortSignal
}

/** A stream, which may be a terminal. */
export interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean
}

/** A stream, which may be a terminal. */
export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  /** Whether the terminal shows colours. Node asks the terminal's name and NO_COLOR. */
  hasColors?(): boolean
}
