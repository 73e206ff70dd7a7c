// The first lines of the screen.

import { headerLines, type Situation } from "../header.ts";
import type { Model } from "../model.ts";
import { Lines } from "./line.tsx";

/** Who is looked at, how much goes on, how it went. */
export function Header({ model, situation, width }: {
  readonly model: Model | undefined;
  readonly situation: Situation;
  readonly width: number;
}) {
  return <Lines lines={headerLines(model, situation, width)} width={width} />;
}
