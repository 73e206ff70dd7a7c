// What the title above each tab's list begins with, in the order of the tabs' keys.

/** The titles, from the first tab on. */
export const TITLES: readonly string[] = [
  "Servers",
  "Frontends",
  "Pools",
  "Statements",
  "Under way",
  "Timeline",
  "Limits",
  "Log",
];
