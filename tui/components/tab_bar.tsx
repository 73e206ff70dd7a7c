// The names of the tabs with their numbers; the one that is shown stands out.

import { type TabName, TABS } from "../state.ts";
import type { Line } from "../theme.ts";
import { Lines } from "./line.tsx";

const TITLES: Readonly<Record<TabName, string>> = {
  cluster: "Cluster",
  frontends: "Frontends",
  backends: "Backends",
  statements: "Statements",
  waits: "Waits",
  failover: "Failover",
  config: "Config",
  logs: "Logs",
};

/** What all names take with blanks around each; in less they stand closer. */
const ROOMY = 96;

/** All tabs in one line. */
export function TabBar({ tab, width }: { readonly tab: TabName; readonly width: number }) {
  const isRoomy = width >= ROOMY;
  const line: Line = TABS.flatMap((each, at): Line => {
    const number = `${at + 1}`;
    const title = TITLES[each];
    const blank = isRoomy ? " " : "";
    const gap = at === TABS.length - 1 ? "" : " ";
    if (each === tab) return [{ text: `${blank}${number} ${title}${blank}`, tone: "active" }, gap];
    return [blank, { text: number, tone: "accent" }, ` ${title}${blank}${gap}`];
  });
  return <Lines lines={[line]} width={width} />;
}
