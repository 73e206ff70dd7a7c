// All keys, in two columns.

import { fit, widthOf } from "../format.ts";
import { HELP } from "../keys.ts";
import { type Line, withoutTones } from "../theme.ts";
import { Lines } from "./line.tsx";

const KEYS = 12;
const COLUMN = 39;
const WIDE_COLUMN = 48;

/** The help over the whole body. */
export function Help({ width, height }: { readonly width: number; readonly height: number }) {
  const own = width >= WIDE_COLUMN * 2 ? WIDE_COLUMN : COLUMN;
  const [left, right] = HELP.map((groups) =>
    groups.flatMap(({ title, bindings }, at): readonly Line[] => [
      ...(at === 0 ? [] : [[]]),
      [{ text: title, tone: "strong" }],
      ...bindings.map(({ keys, does }): Line => [
        "  ",
        { text: fit(keys, KEYS), tone: "accent" },
        does,
      ]),
    ])
  );
  const lines = Array.from({ length: height }, (_, at): Line => {
    const text = left[at] ?? [];
    const blank = " ".repeat(Math.max(1, own - widthOf(withoutTones(text))));
    return [" ", ...text, blank, ...right[at] ?? []];
  });
  return <Lines lines={lines} width={width} />;
}
