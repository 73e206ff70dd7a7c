// One line of the screen. A line is one piece of text for the layout, however many meanings it has:
// a screen is drawn every second, and each piece costs.

import { Text } from "ink";
import { createContext, useContext } from "react";
import { cut, widthOf } from "../format.ts";
import { type Line, paint, type Theme, themeOf, withoutTones } from "../theme.ts";

/** The theme that everything is drawn with. */
export const ThemeContext = createContext<Theme>(themeOf("mono"));

/** Several lines, each cut at the width. */
export function Lines(
  { lines, width }: { readonly lines: readonly Line[]; readonly width: number },
) {
  const theme = useContext(ThemeContext);
  return lines.map((line, at) => <Text key={at} wrap="truncate">{drawn(line, width, theme)}</Text>);
}

/** An empty line is a blank, since a text without characters takes no line. */
function drawn(line: Line, width: number, theme: Theme): string {
  return paint(clip(line, width), theme) || " ";
}

/** A line without what is beyond the width. */
export function clip(line: Line, width: number): Line {
  if (widthOf(withoutTones(line)) <= width) return line;
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
