// Lines of the screen. Those that belong together are one thing for the layout, whatever they mean:
// a screen is drawn every second, and each thing costs.

import { Transform } from "ink";
import { createContext, useContext } from "react";
import { cut, plain, widthOf } from "../format.ts";
import { type Line, paint, type Theme, themeOf, withoutTones } from "../theme.ts";

/** The theme that everything is drawn with. */
export const ThemeContext = createContext<Theme>(themeOf("mono"));

/**
 * Several lines, each cut at the width. Laid out is a blank for each; what stands there comes in
 * where ink writes, so that it is neither measured nor wrapped: its width is known here.
 */
export function Lines(
  { lines, width }: { readonly lines: readonly Line[]; readonly width: number },
) {
  const theme = useContext(ThemeContext);
  if (lines.length === 0) return null;
  const painted = lines.map((line) => paint(clip(line, width), theme));
  return (
    <Transform
      transform={(_, at) => painted[at] ?? ""}
      accessibilityLabel={lines.map(withoutTones).join("\n")}
    >
      {BLANK + `\n${BLANK}`.repeat(lines.length - 1)}
    </Transform>
  );
}

const BLANK = " ";

/** A line without what is beyond the width, nor what would move the cursor. */
function clip(given: Line, width: number): Line {
  const whole = withoutTones(given);
  const line = /\p{Cc}/u.test(whole) ? given.map(plainPiece) : given;
  if (widthOf(whole) <= width) return line;
  const clipped: Line[number][] = [];
  let left = width;
  for (const piece of line) {
    if (left <= 0) break;
    const text = typeof piece === "string" ? piece : piece.text;
    const kept = cut(text, left);
    clipped.push(typeof piece === "string" ? kept : { ...piece, text: kept });
    left -= widthOf(kept);
  }
  return clipped;
}

function plainPiece(piece: Line[number]): Line[number] {
  return typeof piece === "string" ? plain(piece) : { ...piece, text: plain(piece.text) };
}
