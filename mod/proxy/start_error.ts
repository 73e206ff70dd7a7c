// Why the proxy cannot start, with the exit status that says so to scripts.

/** The exit status for addresses that cannot be listened on; see docs/exit-status.md. */
export const LISTEN_STATUS = 4;

/** Thrown before the proxy serves anybody. */
export class StartError extends Error {
  override name = "StartError";
  /** The exit status; see docs/exit-status.md. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}
