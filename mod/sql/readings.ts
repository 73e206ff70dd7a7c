// Version comments: some servers run what stands in them, others pass over it, and a statement may
// be run by either. It is read once for each way that makes a difference.

import type { LexicalMode } from "./lexical_mode.ts";
import { RUN_BY_ALL_MAX, type Scanner } from "./scanner.ts";

/**
 * After a reading in which all version comments were text: goes in front of the statement again for
 * each other way that servers may read it, and calls `read`.
 */
export function readOtherWays(
  scanner: Scanner,
  { start, mode, read }: {
    readonly start: number;
    readonly mode: LexicalMode;
    readonly read: () => void;
  },
): void {
  for (const mariadb of [false, true]) {
    if (mode.server === (mariadb ? "mysql" : "mariadb")) continue;
    scanner.rewind(start, { mariadb, version: RUN_BY_ALL_MAX });
    read();
    // What is passed over may hide a version: the list grows as it is gone through.
    for (let i = 0; i < scanner.versionsCount; i++) {
      scanner.rewind(start, { mariadb, version: scanner.versions[i] });
      read();
    }
  }
}
