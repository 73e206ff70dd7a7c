// What is known of changes that statements have made and nobody has looked at yet.

import type { SessionStateEntry } from "../../wire/mod.ts";

/** User variables in a text, and those of them that the session has never set. */
interface NamedVariables {
  readonly all: readonly string[];
  readonly missing: readonly string[];
}

/** Most texts name none. */
export const NO_VARIABLES_NAMED: NamedVariables = { all: [], missing: [] };

/** The flags of one session, which its next OK packets and `Afterwards` clear. */
export abstract class ObservedChanges {
  /** The server has told of a change that the statement under way does not explain. */
  hiddenChange = false;
  /** And nobody has counted yet what it may have left that pins: see hidden_pins.ts. */
  isUncounted = false;
  /** Code that is not in a statement's text has run, and nobody has looked at what it has left. */
  hasCalled = false;
  /** It has told that something has changed, and not yet what. */
  untoldState = false;
  /** What it tells of is over with the statement. */
  passingState = false;
  /** What a server of the client's own would tell with the next change only. */
  owed: readonly SessionStateEntry[] | undefined;
  /** User variables in the text that is being prepared. */
  namedVariables: NamedVariables = NO_VARIABLES_NAMED;
  /** The statement under way sets the session's trackers. */
  setsTrackers = false;
}
