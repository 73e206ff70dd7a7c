// The last line: what keys do here, a question, what is being typed, or what a command came to.

import type { Link } from "../header.ts";
import type { Binding } from "../keys.ts";
import type { ListState, State } from "../state.ts";
import type { Line, Span } from "../theme.ts";
import { plain } from "../format.ts";
import { Lines } from "./line.tsx";

/** What the last line may say. */
export interface FooterProps {
  readonly state: State;
  readonly chosen: ListState;
  readonly hints: readonly Binding[];
  readonly link: Link;
  readonly width: number;
}

/** One line, the most urgent thing first. */
export function Footer(props: FooterProps) {
  return <Lines lines={[lineOf(props)]} width={props.width} />;
}

function lineOf({ state, chosen, hints, link, width }: FooterProps): Line {
  if (state.mode === "confirm" && state.order !== undefined) {
    return [
      " ",
      { text: plain(state.order.question), tone: "warn" },
      "  ",
      {
        text: "y",
        tone: "accent",
      },
      " yes  ",
      { text: "any other key", tone: "accent" },
      " no",
    ];
  }
  if (state.mode === "filter") {
    return [
      " ",
      { text: "filter ", tone: "accent" },
      chosen.filter,
      {
        text: " ",
        tone: "selected",
      },
      "   ",
      ...hintSpans(hints, width),
    ];
  }
  if (state.notice !== undefined) {
    return [" ", { text: plain(state.notice.text), tone: state.notice.failed ? "bad" : "ok" }];
  }
  if (link.kind === "lost") {
    return [" ", { text: `${plain(link.reason)}; trying again`, tone: "bad" }];
  }
  return [" ", ...hintSpans(hints, width - 1)];
}

/** As many hints as fit; help and quit stay. */
function hintSpans(hints: readonly Binding[], width: number): readonly (Span | string)[] {
  const length = ({ keys, does }: Binding) => keys.length + does.length + 3;
  const kept = [...hints];
  const needs = () => kept.reduce((sum, hint) => sum + length(hint), 0);
  while (needs() > width && kept.length > 2) kept.splice(kept.length - 3, 1);
  return kept.flatMap(({ keys, does }) => [{ text: keys, tone: "accent" as const }, ` ${does}  `]);
}
