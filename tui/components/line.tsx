// One line of the screen. A line is one piece of text for the layout, however many meanings it has:
// a screen is drawn every second, and each piece costs.

import { Box, Text } from "ink";
import { createContext, type ReactNode, useContext } from "react";
import { cut, widthOf } from "../format.ts";
import { type Line, paint, type Theme, themeOf, withoutTones } from "../theme.ts";

/** The theme that everything is drawn with. */
export const ThemeContext = createContext<Theme>(themeOf("mono"));

/** Several lines, each cut at the width. */
export function Lines(
  { lines, width }: { readonly lines: readonly Line[]; readonly width: number },
) {
  const theme = useContext(ThemeContext);
  const drawn: ReactNode[] = [];
  let blank = 0;
  const addBlank = () => {
    // However many they are, they are one thing to lay out.
    if (blank > 0) drawn.push(<Box key={`${drawn.length}`} height={blank} flexShrink={0} />);
    blank = 0;
  };
  for (const line of lines) {
    const text = paint(clip(line, width), theme);
    if (text === "") {
      blank++;
      continue;
    }
    addBlank();
    drawn.push(<Text key={`${drawn.length}`} wrap="truncate">{text}</Text>);
  }
  addBlank();
  return drawn;
}

/** A line without what is beyond the width. */
function clip(line: Line, width: number): Line {
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
