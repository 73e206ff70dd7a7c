// A section of the configuration file: a table of keys, or a list of such tables.

import * as v from "valibot";
import { describeValue } from "./kinds.ts";

/** What the schema knows of a section. */
export interface SectionInfo {
  /** One or two sentences for the reference page and the commented file. */
  readonly doc: string;
}

/** A table. */
export function section<const TEntries extends v.ObjectEntries>(doc: string, entries: TEntries) {
  return v.pipe(v.object(entries, mustBeTable), v.metadata({ doc }));
}

/** The complaint about what is no table. */
export function mustBeTable({ input }: v.BaseIssue<unknown>): string {
  return `must be a table, not ${describeValue(input)}`;
}

/** The complaint about what is no list of tables of a name. */
export function mustBeTables(name: string): (issue: v.BaseIssue<unknown>) => string {
  return ({ input }) =>
    `must be a list of tables, written [[${name}]], not ${describeValue(input)}`;
}
