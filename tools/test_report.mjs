// Reads what `bun test` prints as it comes: what each file came to, what failed and why.

/** Lines of an error that are repeated at the end of the run. */
const SHOWN_LINES = 15;
/** Lines kept of an error, and of the end of the output. */
const KEPT_LINES = 200;
/** Characters shown of a line: some errors quote megabytes. */
const SHOWN_CHARACTERS = 500;

const RESULT = /^(?:\((pass|fail|skip|todo)\)|([✓✗»✎])) (.*?)(?: \[([\d.]+)(ms|s)\])?$/;
const MARKS = { "✓": "pass", "✗": "fail", "»": "skip", "✎": "todo" };
const FILE = /^(\S.*_test\.m?[jt]s):$/;

/**
 * What one line of the output means to the one who shows it; a line that means nothing by itself
 * belongs to the result or to the error that follows.
 * @typedef {object} Happening
 * @property {"file" | "result" | "error" | "summary"} kind
 * @property {string[]} [lines] What was printed of it.
 */

/** The state of a run. */
export class TestReport {
  counts = { pass: 0, fail: 0, skip: 0, todo: 0 };
  /** @type {{ file: string, name: string, lines: string[] }[]} */
  failures = [];
  /** The file whose tests run. */
  file = "";
  fileCounts = { pass: 0, fail: 0, skip: 0, todo: 0 };
  /** Bun has printed its own counts, without which it did not get to the end. */
  complete = false;
  /** The end of the output. */
  tail = [];
  #pending = [];
  #outside = undefined;
  #inSummary = false;
  /** Bun's own counts. */
  #summary = { pass: 0, fail: 0, skip: 0, todo: 0 };

  /**
   * Takes in one line without colours.
   * @param {string} line
   * @returns {Happening | undefined}
   */
  feed(line) {
    keep(this.tail, line);
    if (this.#outside !== undefined) return this.#feedOutside(line);
    if (line.startsWith("# Unhandled error")) {
      this.#outside = { lines: [], rules: 0 };
      return undefined;
    }
    const file = FILE.exec(line);
    if (file !== null) {
      this.file = file[1];
      this.fileCounts = { pass: 0, fail: 0, skip: 0, todo: 0 };
      this.#pending = [];
      return { kind: "file" };
    }
    // After many tests those that failed are named once more.
    if (/^\d+ tests? failed:$/.test(line)) this.#inSummary = true;
    const result = RESULT.exec(line);
    if (result !== null) return this.#inSummary ? { kind: "summary" } : this.#result(result);
    if (/^ +\^ this test timed out/.test(line) && this.failures.length > 0) {
      this.failures.at(-1).lines.push(line.trim());
      return { kind: "error", lines: [line] };
    }
    const count = /^ +(\d+) (pass|fail|skip|todo)$/.exec(line);
    if (count !== null) {
      this.#inSummary = true;
      this.#summary[count[2]] = Number(count[1]);
      return { kind: "summary" };
    }
    if (/^Ran \d+ tests? across/.test(line)) {
      this.complete = true;
      this.counts = this.#summary;
      return { kind: "summary" };
    }
    keep(this.#pending, line);
    return undefined;
  }

  #result([, word, mark, name]) {
    const outcome = word ?? MARKS[mark];
    this.counts[outcome]++;
    this.fileCounts[outcome]++;
    const lines = this.#pending;
    this.#pending = [];
    if (outcome === "fail") this.#fail(name, lines);
    return { kind: "result", lines: outcome === "fail" ? [...lines, `(fail) ${name}`] : [] };
  }

  /** An error outside of tests stands between two rules. */
  #feedOutside(line) {
    const outside = this.#outside;
    if (!/^-{10,}$/.test(line)) {
      keep(outside.lines, line);
      return undefined;
    }
    if (++outside.rules < 2) return undefined;
    this.#outside = undefined;
    this.fileCounts.fail++;
    this.#fail("(outside of any test)", outside.lines);
    return { kind: "error", lines: outside.lines };
  }

  #fail(name, lines) {
    this.failures.push({ file: this.file, name, lines });
  }
}

/**
 * The end of the output: each failure in short, then one line of counts.
 * @param {readonly TestReport[]} reports Of all runs.
 */
export function closing(reports) {
  const lines = [];
  const failures = reports.flatMap((report) => report.failures);
  if (failures.length > 0) {
    lines.push("", `Failed (${failures.length}):`);
    for (const failure of failures) {
      lines.push("", `${failure.file}: ${failure.name}`, ...inShort(failure.lines));
    }
    lines.push("");
  }
  const early = reports.filter(({ complete }) => !complete);
  for (const { file, tail } of early) {
    lines.push("", `The tests ended early, in ${file || "no file"}. The last lines:`);
    lines.push(...tail.slice(-2 * SHOWN_LINES).map(clipped), "");
  }
  const sum = (outcome) => reports.reduce((all, { counts }) => all + counts[outcome], 0);
  // A run that ended early or failed outside of tests has failed, whatever was counted.
  const failed = Math.max(sum("fail"), failures.length, early.length);
  lines.push(`${sum("pass")} passed, ${failed} failed, ${sum("skip") + sum("todo")} skipped`);
  return lines;
}

/** The first lines of an error, without the source around its place. */
function inShort(lines) {
  const said = lines.filter((line) => line.trim() !== "" && !/^ *\d+ \| |^ *\^$/.test(line));
  const shown = said.slice(0, SHOWN_LINES);
  if (said.length > shown.length) {
    shown[SHOWN_LINES - 1] = `... ${said.length - SHOWN_LINES + 1} more`;
  }
  return shown.map((line) => `    ${clipped(line)}`);
}

/** The line, cut where it is longer than anyone reads. */
export function clipped(line) {
  return line.length <= SHOWN_CHARACTERS ? line : `${line.slice(0, SHOWN_CHARACTERS)} ...`;
}

/** Adds a line to a list of the last ones. */
function keep(lines, line) {
  lines.push(line);
  if (lines.length > KEPT_LINES) lines.shift();
}
