// What is seen of a run of tests while it goes on.

import { stripVTControlCharacters } from "node:util";
import { clipped } from "./test_report.mjs";

/** A line for each file, and what failed. */
export class BriefScreen {
  #report;
  #fileStarted = performance.now();

  /** @param {import("./test_report.mjs").TestReport} report Is fed with what is shown. */
  constructor(report) {
    this.#report = report;
  }

  /** Takes in a line of bun's. */
  show(line) {
    const fileBefore = this.#fileLine();
    const happening = this.#report.feed(stripVTControlCharacters(line));
    if (happening?.kind === "file") {
      if (fileBefore !== undefined) console.log(fileBefore);
      this.#fileStarted = performance.now();
    }
    for (const each of happening?.lines ?? []) console.log(clipped(each));
  }

  end() {
    const file = this.#fileLine();
    if (file !== undefined) console.log(file);
  }

  /** What the file whose tests run has come to. */
  #fileLine() {
    const { file, fileCounts } = this.#report;
    if (file === "") return undefined;
    const { pass, fail, skip, todo } = fileCounts;
    const seconds = ((performance.now() - this.#fileStarted) / 1000).toFixed(1);
    const rest = skip + todo > 0 ? `, ${skip + todo} skipped` : "";
    return `${file}: ${pass} passed, ${fail} failed${rest} (${seconds} s)`;
  }
}

/** All that bun prints. */
export class FullScreen {
  #report;
  #byFile;
  #held = [];

  /**
   * @param {import("./test_report.mjs").TestReport} report Is fed with what is shown.
   * @param {boolean} byFile A file's lines are held back until it is done, so that those of
   * another run do not get between them.
   */
  constructor(report, byFile) {
    this.#report = report;
    this.#byFile = byFile;
  }

  /** Takes in a line of bun's. */
  show(line) {
    const happening = this.#report.feed(stripVTControlCharacters(line));
    if (happening?.kind === "file") this.end();
    this.#held.push(line);
    if (!this.#byFile) this.end();
  }

  end() {
    for (const line of this.#held.splice(0)) console.error(line);
  }
}
