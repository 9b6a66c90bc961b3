/** Exit statuses. */
export const DONE = 0
export const FAILED = 1
export const WRONG_USAGE = 2

/** Ends a command with a sentence on standard error and a status. */
export class CommandFailure extends Error {
  readonly status: number

  constructor(message: string, status: number = FAILED) {
    super(message)
    this.status = status
  }
}
