// Metrics in Prometheus' text format. Source: "Exposition formats" of the Prometheus documentation.

/** A metric: one value, or one for each set of labels. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly samples: readonly Sample[];
}

/** A value of a metric. */
export interface Sample {
  /** What is added to the metric's name, as in `_bucket`. @default nothing */
  readonly suffix?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Writes a metric. */
export function writeMetric({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ suffix = "", labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    const written = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
    return `${name}${suffix}${written} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function escaped(text: string): string {
  return text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
}
