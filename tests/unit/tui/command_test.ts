// The words of the command line are those of the dashboard, which it does not load for its help.

import { expect, test } from "bun:test";
import { define } from "../../../commands/top.ts";
import { TABS, THEME_NAMES } from "../../../tui/mod.ts";

test("--tab and --theme take every tab and every theme", () => {
  const { options } = define(() => Promise.resolve());
  const choices = (long: string) => options.find((option) => option.long === long)!.argChoices;
  expect(choices("--tab")).toEqual([...TABS]);
  expect(choices("--theme")).toEqual([...THEME_NAMES]);
});
