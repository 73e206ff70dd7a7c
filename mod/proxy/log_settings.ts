// What the configuration says of the event log.

import { type Config, parseModuleLevel } from "../config/mod.ts";
import type { LogSettings } from "../observe/mod.ts";

/** Level, levels of modules, and format. */
export function logSettings({ log: { level, levels, format } }: Pick<Config, "log">): LogSettings {
  return { level, levels: new Map(levels.map(parseModuleLevel)), format };
}
