// How far a server's data goes, whatever its kind numbers transactions with.

import { GtidSet } from "./gtid_set.ts";
import { MariadbPosition } from "./mariadb_position.ts";

/** A position as a plain value, for messages and files. */
export type Position =
  /** MySQL: the set of executed transactions. */
  | { readonly kind: "gtid"; readonly text: string }
  /** MariaDB: the last transaction of each domain. */
  | { readonly kind: "mariadb"; readonly text: string }
  /** A single growing number: commit index, log sequence number, sequence number of a group. */
  | { readonly kind: "index"; readonly value: number };

/** A position as a server tells it when it is asked. */
export type ToldPosition = Position & {
  /** It takes no writes from clients, it has said behind that: others may have gone elsewhere. */
  readonly isClosed?: boolean;
};

/** A position that has been read, to be compared with others of the same cluster. */
export interface ReadPosition {
  readonly position: Position;
  /** The number of transactions. */
  readonly count: number;
  /** Whether everything of another position is in this one; false between different kinds. */
  contains(other: ReadPosition): boolean;
  /** The number of transactions that another position lacks. */
  countBeyond(other: ReadPosition): number;
  /** Whether both have transactions of one source; true where that cannot be told. */
  sharesOrigin(other: ReadPosition): boolean;
}

/**
 * Reads a position.
 *
 * @throws {SyntaxError} If its text is malformed.
 */
export function readPosition(position: Position): ReadPosition {
  switch (position.kind) {
    case "gtid":
      return new ReadGtidSet(position, GtidSet.parse(position.text));
    case "mariadb":
      return new ReadMariadbPosition(position, MariadbPosition.parse(position.text));
    case "index":
      return new ReadIndex(position, position.value);
  }
}

/** A position as people read it. */
export function formatPosition(position: Position): string {
  return position.kind === "index" ? String(position.value) : position.text;
}

class ReadGtidSet implements ReadPosition {
  readonly position: Position;
  readonly set: GtidSet;

  constructor(position: Position, set: GtidSet) {
    this.position = position;
    this.set = set;
  }

  get count(): number {
    return this.set.count;
  }

  contains(other: ReadPosition): boolean {
    return other instanceof ReadGtidSet && this.set.contains(other.set);
  }

  countBeyond(other: ReadPosition): number {
    return other instanceof ReadGtidSet ? this.set.subtract(other.set).count : this.count;
  }

  sharesOrigin(other: ReadPosition): boolean {
    if (!(other instanceof ReadGtidSet)) return true;
    const [own, others] = [new Set(this.set.sources), [...other.set.sources]];
    return own.size === 0 || others.length === 0 || others.some((source) => own.has(source));
  }
}

class ReadMariadbPosition implements ReadPosition {
  readonly position: Position;
  readonly read: MariadbPosition;

  constructor(position: Position, read: MariadbPosition) {
    this.position = position;
    this.read = read;
  }

  get count(): number {
    return this.read.count;
  }

  contains(other: ReadPosition): boolean {
    return other instanceof ReadMariadbPosition && this.read.contains(other.read);
  }

  countBeyond(other: ReadPosition): number {
    return other instanceof ReadMariadbPosition ? this.read.countBeyond(other.read) : this.count;
  }

  /** A position names only the last server of each domain. */
  sharesOrigin(): boolean {
    return true;
  }
}

class ReadIndex implements ReadPosition {
  readonly position: Position;
  readonly count: number;

  constructor(position: Position, count: number) {
    this.position = position;
    this.count = count;
  }

  contains(other: ReadPosition): boolean {
    return other instanceof ReadIndex && this.count >= other.count;
  }

  countBeyond(other: ReadPosition): number {
    return other instanceof ReadIndex ? Math.max(0, this.count - other.count) : this.count;
  }

  /** A number says nothing of where it comes from. */
  sharesOrigin(): boolean {
    return true;
  }
}
