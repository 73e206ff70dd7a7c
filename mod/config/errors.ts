// What is wrong with a configuration, as data and as lines for people.

/** One thing wrong with a configuration. No field ever holds a password. */
export interface ConfigError {
  /** What is wrong, without place or key; begins in lower case. */
  readonly message: string;
  /** The configuration file, when the error is in one. */
  readonly file?: string;
  /** Line in that file, counted from 1. */
  readonly line?: number;
  /** Column in that line, counted from 1. */
  readonly column?: number;
  /** The flag or environment variable that gave the value, when no file did. */
  readonly source?: string;
  /** The offending key, with its section: `limits.clients_max`. */
  readonly key?: string;
  /** The known name that may have been meant. */
  readonly suggestion?: string;
}

/** Writes one line for each error: place, key, what is wrong, what may have been meant. */
export function formatConfigErrors(errors: readonly ConfigError[]): readonly string[] {
  return errors.map((error) => {
    const parts: string[] = [];
    if (error.file !== undefined) {
      const place = [error.file, error.line, error.column].filter((it) => it !== undefined);
      parts.push(place.join(":"));
    } else if (error.source !== undefined) parts.push(error.source);
    if (error.key !== undefined) parts.push(error.key);
    const meant = error.suggestion === undefined ? "" : `; did you mean "${error.suggestion}"?`;
    parts.push(error.message + meant);
    return parts.join(": ");
  });
}
