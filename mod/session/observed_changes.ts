// What is known of changes that statements have made and nobody has looked at yet.

/** The flags of one session, which its next OK packets and `Afterwards` clear. */
export abstract class ObservedChanges {
  /** The server has told of a change that the statement under way does not explain. */
  hiddenChange = false;
  /** Code that is not in a statement's text has run, and nobody has looked at what it has left. */
  hasCalled = false;
  /** It has told that something has changed, and not yet what. */
  untoldState = false;
  /** What it tells of is over with the statement. */
  passingState = false;
  /** The statement under way sets the session's trackers. */
  setsTrackers = false;
}
