// deploy/: alerts and the dashboard ask for what a proxy tells, with labels that it has, and say what
// they mean with labels that are left.

import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { prometheusText } from "../../mod/cluster/mod.ts";
import { checkPromql, isPromDuration, type KnownMetric } from "../promql.ts";
import { NOW_MS, TOPOLOGY } from "../unit/cluster/sample_topology.ts";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";

const folder = join(import.meta.dir, "../../deploy");
const metrics = new Map<string, KnownMetric>();

/** Adds the metrics of a text for Prometheus, those that it has samples of. */
function learn(text: string): void {
  const kinds = new Map(
    [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, kind]) => [name!, kind!] as const),
  );
  for (const [, name, labels = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const base = name!.replace(/_(bucket|sum|count)$/, "");
    const isHistogram = kinds.get(base) === "histogram";
    const kind = isHistogram || kinds.get(name!) === "counter" ? "counter" : "gauge";
    const names = [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label]) => label!);
    metrics.set(name!, { kind, labels: new Set([...metrics.get(name!)?.labels ?? [], ...names]) });
  }
}

beforeAll(async () => {
  // What Prometheus adds itself.
  metrics.set("up", { kind: "gauge", labels: new Set() });
  const { server } = await subject(kinds[0]!);
  await using proxy = await ownProxy(server, {
    args: [...ownAccount(server), "--http", "127.0.0.1:0"],
    config: '[pool]\nmode = "transaction"\n',
  });
  await proxy.untilLogged(/mode=synced/);
  using client = await loginAs(server.accounts.app, proxy);
  await client.query("SELECT GET_LOCK('deploy', 1)");
  await client.query("SELECT nowhere").catch(() => {});
  const port = await proxy.loggedPort("HTTP port");
  let text = "";
  await until("all is told", async () => {
    text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return text.includes("mysqlproxy_server_errors_total{") &&
      text.includes("mysqlproxy_pinned_sessions{") && text.includes("mysqlproxy_pool_running{") &&
      text.includes("mysqlproxy_server_writes{");
  });
  learn(text);
  // What only some servers have, such as lag.
  learn(prometheusText(TOPOLOGY, { nowMs: NOW_MS, countOf: () => 1 }));
});

/** What templates of Prometheus and Grafana name must be among the labels. */
function expectLabels(text: string, labels: ReadonlySet<string>, form: RegExp): void {
  const named = [...text.matchAll(form)].map(([, label]) => label!);
  expect([text, ...named.filter((label) => !labels.has(label))]).toEqual([text]);
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const { groups } = Bun.YAML.parse(readFileSync(join(folder, "alerts.yml"), "utf8")) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

describe("alerts.yml", () => {
  for (const rule of rules) {
    test(rule.alert, () => {
      const { type, labels } = checkPromql(rule.expr, metrics);
      expect(type).toBe("vector");
      expect(rule.alert).toMatch(/^Mysqlproxy[A-Z][A-Za-z]+$/);
      const known = ["alert", "expr", "for", "labels", "annotations"];
      expect(Object.keys(rule).filter((key) => !known.includes(key))).toEqual([]);
      if (rule.for !== undefined) expect(isPromDuration(rule.for)).toBe(true);
      expect(["critical", "warning"]).toContain(rule.labels["severity"]!);
      const { summary, ...others } = rule.annotations;
      expect(others).toEqual({});
      // Whoever is woken up wants to know where.
      expect(summary).toContain("{{ $labels.");
      expect(summary!.replaceAll(/\{\{ \$(labels\.\w+|value) \}\}/g, "")).not.toMatch(/[{}$]/);
      expectLabels(summary!, labels, /\$labels\.(\w+)/g);
    });
  }

  test("each has its name, and what must wake somebody up is there", () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    for (const name of ["Down", "NoPrimary", "RefusesParked", "DropsLogEntries", "WaitsTimeOut"]) {
      expect(names).toContain(`Mysqlproxy${name}`);
    }
  });
});

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: Readonly<Record<"x" | "y" | "w" | "h", number>>;
  readonly targets: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
  }[];
}

const dashboard = JSON.parse(readFileSync(join(folder, "grafana.json"), "utf8")) as {
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string }[];
  };
  readonly panels: readonly Panel[];
};

describe("grafana.json", () => {
  const variables = new Set([
    ...dashboard.templating.list.map(({ name }) => name),
    "__rate_interval",
  ]);

  for (const panel of dashboard.panels) {
    test(panel.title, () => {
      expect(panel.datasource.uid).toBe("${datasource}");
      const ids = panel.targets.map(({ refId }) => refId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { expr, legendFormat } of panel.targets) {
        expectLabels(expr, variables, /\$(\w+)/g);
        expect(expr).toContain('instance=~"$instance"');
        const { type, labels } = checkPromql(
          expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*"),
          metrics,
        );
        expect(type).toBe("vector");
        expectLabels(legendFormat, labels, /\{\{(\w+)\}\}/g);
        // A line for each: without its labels in the legend they look the same.
        const told = new Set([...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name!));
        const untold = [...labels].filter((label) => label !== "job" && !told.has(label));
        expect([expr, ...untold]).toEqual([expr]);
      }
    });
  }

  test("its panels have a place of their own, its variables a metric that there is", () => {
    const { panels, templating: { list } } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const places = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + at % w},${y + Math.floor(at / w)}`)
    );
    expect(new Set(places).size).toBe(places.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
    const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(
      list.find(({ name }) => name === "instance")!.query,
    )!;
    expect(metrics.has(metric!)).toBe(true);
    expect(label).toBe("instance");
  });
});
