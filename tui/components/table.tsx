// A list with titles, of which a window is seen; the selected row is in it.

import type { Column, Sort } from "../grid.ts";
import { headLine, place, rowLine } from "../grid.ts";
import type { Row } from "../snapshot.ts";
import { Lines } from "./line.tsx";

/** What a table shows. */
export interface TableProps {
  readonly columns: readonly Column[];
  /** Filtered and in order. */
  readonly rows: readonly Row[];
  /** Where the cursor is; undefined: there is none. */
  readonly cursor: number | undefined;
  /** The first row that is seen. */
  readonly top: number;
  readonly sort: Sort;
  /** Lines, that of the titles included. */
  readonly height: number;
  readonly width: number;
}

/** Titles and rows. */
export function Table({ columns, rows, cursor, top, sort, height, width }: TableProps) {
  const seen = rows.slice(top, top + Math.max(0, height - 1));
  const inner = width - 2;
  const placement = place(columns, seen, { width: inner, sort });
  const lines = [
    headLine(placement, sort),
    ...seen.map((row, at) =>
      rowLine(row, placement, { width: inner, selected: top + at === cursor })
    ),
  ];
  return <Lines lines={lines.slice(0, height).map((line) => [" ", ...line])} width={width} />;
}
