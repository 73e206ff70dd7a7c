// What one session must see: all up to a number of each source it has written to, and what it has
// seen on the server it read from last. Small, since there is one per session.

import type { RouteServer } from "./route_server.ts";

/** What is said of sources, one number for each. Prefixes: all up to the number is meant. */
export class Needs {
  readonly sources: number[] = [];
  readonly numbers: number[] = [];

  /** All of a source up to a number is needed. */
  add(source: number, number: number): void {
    const at = this.sources.indexOf(source);
    if (at < 0) {
      this.sources.push(source);
      this.numbers.push(number);
    } else if (this.numbers[at] < number) this.numbers[at] = number;
  }

  /** Nothing is needed of a source. */
  drop(source: number): void {
    const at = this.sources.indexOf(source);
    if (at < 0) return;
    this.sources.splice(at, 1);
    this.numbers.splice(at, 1);
  }

  /** Nothing is needed. */
  clear(): void {
    this.sources.length = 0;
    this.numbers.length = 0;
  }

  /** Nothing is needed. */
  get isEmpty(): boolean {
    return this.sources.length === 0;
  }
}

/** What a session must see. Times are milliseconds since 1970. */
export class SessionPosition {
  readonly needs: Needs = new Needs();
  /** It has written, and nothing has told where that is. */
  isUnknown = false;
  /** When it wrote last. */
  wroteMs = 0;
  /** The server that it read from last, outside of what a write of its own includes. */
  readFrom: RouteServer | undefined;
  /** When that read ended. */
  readMs = 0;

  /** Nothing has been written or read: a new session, or one that was reset by COM_CHANGE_USER. */
  clear(): void {
    this.needs.clear();
    this.isUnknown = false;
    this.wroteMs = 0;
    this.readFrom = undefined;
    this.readMs = 0;
  }
}
