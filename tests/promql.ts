// A small part of PromQL, read as Prometheus reads it: enough for the rules and dashboards of deploy/.
// An expression is parsed to its end, each function gets what it takes, each metric is one that there
// is, with labels that it has; the labels of the result are found, so that templates can be checked.
// What this does not know it refuses. Source: "Querying basics", "Operators" and "Functions" of the
// Prometheus documentation.

/** A metric: its kind, and the labels of its samples. */
export interface KnownMetric {
  readonly kind: "counter" | "gauge";
  readonly labels: ReadonlySet<string>;
}

/** What an expression gives. */
export interface PromqlResult {
  readonly type: "scalar" | "vector" | "range" | "string";
  /** Labels that its samples may have. */
  readonly labels: ReadonlySet<string>;
}

type Value = PromqlResult & {
  /** Of a selector alone: what its metric is. */
  readonly kind?: KnownMetric["kind"];
};

/** Labels that the scrape gives. */
const SCRAPED = ["instance", "job"];
const NONE: ReadonlySet<string> = new Set();
const SCALAR: Value = { type: "scalar", labels: NONE };

const TOKEN = new RegExp(
  [
    /(?<space>\s+|#[^\n]*)/,
    /(?<duration>(?:\d+(?:ms|[smhdwy]))+)(?![\w.])/,
    /(?<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?![\w.])/,
    /(?<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/,
    /(?<name>[a-zA-Z_][\w:]*)/,
    /(?<mark>=~|!~|==|!=|>=|<=|[-+*/%^<>=(){}[\],:])/,
  ].map(({ source }) => source).join("|"),
  "y",
);

/** Operators by how strongly they bind, the weakest first. */
const OPERATORS: readonly (readonly string[])[] = [
  ["or"],
  ["and", "unless"],
  ["==", "!=", ">", "<", ">=", "<="],
  ["+", "-"],
  ["*", "/", "%"],
  ["^"],
];
const COMPARISONS = OPERATORS[2]!;
const SETS = ["or", "and", "unless"];

/** What aggregations take in front of the vector. */
const AGGREGATIONS: Readonly<Record<string, "scalar" | "string" | undefined>> = {
  ...{ sum: undefined, min: undefined, max: undefined, avg: undefined, count: undefined },
  ...{ group: undefined, stddev: undefined, stdvar: undefined },
  ...{ topk: "scalar", bottomk: "scalar", quantile: "scalar", count_values: "string" },
};

interface Signature {
  readonly takes: readonly PromqlResult["type"][];
  readonly gives: "scalar" | "vector";
  /** It makes sense of one kind alone. */
  readonly of?: KnownMetric["kind"];
  /** It takes a label away, which must be there. */
  readonly uses?: string;
}

const FUNCTIONS: Readonly<Record<string, Signature>> = {
  rate: { takes: ["range"], gives: "vector", of: "counter" },
  irate: { takes: ["range"], gives: "vector", of: "counter" },
  increase: { takes: ["range"], gives: "vector", of: "counter" },
  resets: { takes: ["range"], gives: "vector", of: "counter" },
  delta: { takes: ["range"], gives: "vector", of: "gauge" },
  deriv: { takes: ["range"], gives: "vector", of: "gauge" },
  changes: { takes: ["range"], gives: "vector" },
  avg_over_time: { takes: ["range"], gives: "vector", of: "gauge" },
  max_over_time: { takes: ["range"], gives: "vector", of: "gauge" },
  min_over_time: { takes: ["range"], gives: "vector", of: "gauge" },
  histogram_quantile: { takes: ["scalar", "vector"], gives: "vector", uses: "le" },
  abs: { takes: ["vector"], gives: "vector" },
  absent: { takes: ["vector"], gives: "vector" },
  clamp_max: { takes: ["vector", "scalar"], gives: "vector" },
  clamp_min: { takes: ["vector", "scalar"], gives: "vector" },
  time: { takes: [], gives: "scalar" },
  vector: { takes: ["scalar"], gives: "vector" },
};

/** A duration as in `for` and in ranges; Prometheus wants its units from the largest on. */
export function isPromDuration(text: string): boolean {
  return text !== "" &&
    /^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(text);
}

/**
 * Checks an expression.
 *
 * @throws {SyntaxError} With the place where it is wrong, and how.
 */
export function checkPromql(
  text: string,
  metrics: ReadonlyMap<string, KnownMetric>,
): PromqlResult {
  return new Parser(text, metrics).whole();
}

interface Token {
  readonly kind: string;
  readonly text: string;
  readonly at: number;
}

class Parser {
  readonly #text: string;
  readonly #metrics: ReadonlyMap<string, KnownMetric>;
  readonly #tokens: Token[] = [];
  #next = 0;

  constructor(text: string, metrics: ReadonlyMap<string, KnownMetric>) {
    this.#text = text;
    this.#metrics = metrics;
    for (let at = 0; at < text.length;) {
      TOKEN.lastIndex = at;
      const found = TOKEN.exec(text);
      if (found === null) this.#fail(`cannot read "${text.slice(at, at + 10)}"`, at);
      const [kind] = Object.entries(found.groups!).find(([, part]) => part !== undefined)!;
      if (kind !== "space") this.#tokens.push({ kind, text: found[0], at });
      at += found[0].length;
    }
  }

  whole(): PromqlResult {
    const { type, labels } = this.#operation(0);
    if (this.#next < this.#tokens.length) this.#fail(`"${this.#peek()!.text}" is too much`);
    return { type, labels };
  }

  #operation(level: number): Value {
    const operators = OPERATORS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#operation(level + 1);
    for (;;) {
      const operator = operators.find((each) => this.#takes(each));
      if (operator === undefined) return left;
      const isBool = COMPARISONS.includes(operator) && this.#takes("bool");
      const on = this.#matching();
      // `^` binds to the right; all others to the left.
      const right = this.#operation(operator === "^" ? level : level + 1);
      left = this.#combined(left, right, { operator, isBool, on });
    }
  }

  /** `on (…)`, `ignoring (…)`, `group_left (…)`. */
  #matching(): { readonly on?: readonly string[]; readonly ignoring?: readonly string[] } {
    const found = this.#takes("on")
      ? { on: this.#names() }
      : this.#takes("ignoring")
      ? { ignoring: this.#names() }
      : {};
    if (this.#takes("group_left") || this.#takes("group_right")) {
      if (this.#peek()?.text === "(") this.#names();
    }
    return found;
  }

  #combined(left: Value, right: Value, { operator, isBool, on }: {
    readonly operator: string;
    readonly isBool: boolean;
    readonly on: { readonly on?: readonly string[]; readonly ignoring?: readonly string[] };
  }): Value {
    for (const { type } of [left, right]) {
      if (type !== "scalar" && type !== "vector") this.#fail(`"${operator}" takes no ${type}`);
    }
    const areVectors = left.type === "vector" && right.type === "vector";
    if (SETS.includes(operator) && !areVectors) this.#fail(`"${operator}" takes two vectors`);
    if (!areVectors && left.type === "scalar" && right.type === "scalar") {
      if (COMPARISONS.includes(operator) && !isBool) {
        this.#fail("scalars are compared with bool");
      }
      return SCALAR;
    }
    if (!areVectors) {
      return { type: "vector", labels: (left.type === "vector" ? left : right).labels };
    }
    const named = [...(on.on ?? []), ...(on.ignoring ?? [])];
    for (const name of named) {
      if (!left.labels.has(name) && !right.labels.has(name)) this.#fail(`no side has "${name}"`);
    }
    // Samples are put together by all labels that are not ignored: both sides must have the same.
    if (named.length === 0 && operator !== "or") {
      const differ = [...left.labels, ...right.labels].filter((name) =>
        left.labels.has(name) !== right.labels.has(name)
      );
      if (differ.length > 0) this.#fail(`both sides never match: only one has "${differ[0]}"`);
    }
    if (operator === "or") {
      return { type: "vector", labels: new Set([...left.labels, ...right.labels]) };
    }
    const kept = on.on !== undefined && !SETS.includes(operator) ? new Set(on.on) : left.labels;
    return { type: "vector", labels: kept };
  }

  #unary(): Value {
    if (this.#takes("-") || this.#takes("+")) return this.#unary();
    return this.#behind(this.#primary());
  }

  /** A range or an offset behind it. */
  #behind(value: Value): Value {
    let found = value;
    if (this.#takes("[")) {
      if (found.type !== "vector") this.#fail(`a ${found.type} has no range`);
      this.#duration();
      if (this.#takes(":")) {
        if (this.#peek()?.text !== "]") this.#duration();
        found = { ...found, kind: "gauge" };
      } else if (value.kind === undefined) this.#fail("only a selector has a range");
      this.#expect("]");
      found = { ...found, type: "range" };
    }
    if (this.#takes("offset")) {
      this.#takes("-");
      this.#duration();
    }
    return found;
  }

  #primary(): Value {
    const token = this.#take();
    if (token.kind === "number") return SCALAR;
    if (token.kind === "string") return { type: "string", labels: NONE };
    if (token.text === "(") {
      const { type, labels } = this.#operation(0);
      this.#expect(")");
      return { type, labels };
    }
    if (token.kind !== "name") this.#fail(`"${token.text}" is no expression`, token.at);
    if (token.text in AGGREGATIONS) return this.#aggregation(token.text);
    if (this.#peek()?.text === "(") return this.#call(token);
    return this.#selector(token);
  }

  #aggregation(name: string): Value {
    let grouping = this.#grouping();
    this.#expect("(");
    const wanted = AGGREGATIONS[name];
    let given = this.#operation(0);
    if (wanted !== undefined) {
      if (given.type !== wanted) this.#fail(`${name} takes a ${wanted} first`);
      this.#expect(",");
      given = this.#operation(0);
    }
    if (given.type !== "vector") this.#fail(`${name} takes a vector, not a ${given.type}`);
    this.#expect(")");
    grouping ??= this.#grouping();
    const keeps = name === "topk" || name === "bottomk";
    for (const label of grouping?.names ?? []) {
      if (!given.labels.has(label)) this.#fail(`${name}: there is no label "${label}" to group by`);
    }
    const labels = keeps
      ? given.labels
      : grouping?.isBy === false
      ? new Set([...given.labels].filter((label) => !grouping.names.includes(label)))
      : new Set(grouping?.names ?? []);
    return { type: "vector", labels };
  }

  #grouping(): { readonly isBy: boolean; readonly names: readonly string[] } | undefined {
    const isBy = this.#takes("by");
    return isBy || this.#takes("without") ? { isBy, names: this.#names() } : undefined;
  }

  #call({ text: name, at }: Token): Value {
    const signature = FUNCTIONS[name];
    if (signature === undefined) this.#fail(`there is no function ${name}`, at);
    this.#expect("(");
    const given: Value[] = [];
    while (this.#peek()?.text !== ")") {
      if (given.length > 0) this.#expect(",");
      given.push(this.#operation(0));
    }
    this.#expect(")");
    const types = given.map(({ type }) => type);
    const { takes, gives, of, uses } = signature;
    if (types.join() !== takes.join()) {
      this.#fail(`${name} takes (${takes.join(", ")}), not (${types.join(", ")})`, at);
    }
    const main = given.find(({ type }) => type !== "scalar");
    if (of !== undefined && main?.kind !== of) this.#fail(`${name} is for a ${of}`, at);
    if (uses !== undefined && !main!.labels.has(uses)) {
      this.#fail(`${name} takes samples with the label "${uses}"`, at);
    }
    const labels = [...main?.labels ?? []].filter((label) => label !== uses);
    return { type: gives, labels: new Set(labels) };
  }

  #selector({ text: name, at }: Token): Value {
    const metric = this.#metrics.get(name);
    if (metric === undefined) this.#fail(`there is no metric ${name}`, at);
    const labels = new Set([...metric.labels, ...SCRAPED]);
    if (this.#takes("{")) {
      while (!this.#takes("}")) {
        const label = this.#take();
        if (label.kind !== "name") this.#fail(`"${label.text}" is no label`, label.at);
        if (!labels.has(label.text)) this.#fail(`${name} has no label "${label.text}"`, label.at);
        const operator = ["=~", "!~", "!=", "="].find((each) => this.#takes(each));
        if (operator === undefined) this.#fail("=, !=, =~ or !~ is missing");
        const value = this.#take();
        if (value.kind !== "string") this.#fail(`${value.text} is no string`, value.at);
        if (operator.endsWith("~")) new RegExp(value.text.slice(1, -1));
        if (this.#peek()?.text !== "}") this.#expect(",");
      }
    }
    return { type: "vector", labels, kind: metric.kind };
  }

  /** Names in parentheses. */
  #names(): readonly string[] {
    this.#expect("(");
    const names: string[] = [];
    while (!this.#takes(")")) {
      if (names.length > 0) this.#expect(",");
      const { kind, text, at } = this.#take();
      if (kind !== "name") this.#fail(`"${text}" is no label`, at);
      names.push(text);
    }
    return names;
  }

  #duration(): void {
    const { kind, text, at } = this.#take();
    if (kind !== "duration" || !isPromDuration(text)) this.#fail(`"${text}" is no duration`, at);
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(): Token {
    const token = this.#peek();
    if (token === undefined) this.#fail("it ends too soon");
    this.#next++;
    return token;
  }

  #takes(text: string): boolean {
    const token = this.#peek();
    const isIt = token !== undefined && token.kind !== "string" && token.text === text;
    if (isIt) this.#next++;
    return isIt;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) this.#fail(`"${text}" is missing`);
  }

  #fail(how: string, at = this.#peek()?.at ?? this.#text.length): never {
    throw new SyntaxError(`${how}, at ${at + 1} of ${this.#text}`);
  }
}
