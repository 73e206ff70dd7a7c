// The documentation says what the source says.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { adminReference, metricsReference, proxysqlReference } from "../../mod/admin/mod.ts";
import { configReference, describeConfig } from "../../mod/config/mod.ts";
import { Counters } from "../../mod/observe/mod.ts";
import { exitStatus } from "../../commands/mod.ts";
import { root } from "./sources.ts";

const pages = [
  ...new Glob("{README,CHANGELOG,CONTRIBUTING}.md").scanSync({ cwd: root }),
  ...new Glob("docs/**/*.md").scanSync({ cwd: root }),
];

describe("pages", () => {
  test("decisions have their number in front, and stand in docs/README.md", async () => {
    const index = await Bun.file(join(root, "docs/README.md")).text();
    const wrong: string[] = [];
    for (const file of new Glob("*.md").scanSync({ cwd: join(root, "docs/decisions") })) {
      const text = await Bun.file(join(root, "docs/decisions", file)).text();
      const isRight = text.startsWith(`# ${file.slice(0, 4)}: `) &&
        index.includes(`(decisions/${file})`);
      if (!isRight) wrong.push(file);
    }
    expect(wrong).toEqual([]);
  });

  test("docs/configuration.md is what the schema makes (just docs)", async () => {
    const page = await Bun.file(join(root, "docs/configuration.md")).text();
    expect(page).toBe(configReference());
  });

  test("docs/admin.md is what the tables make (just docs)", async () => {
    const page = await Bun.file(join(root, "docs/admin.md")).text();
    expect(page).toBe(adminReference());
  });

  test("docs/proxysql.md is what the tables make (just docs)", async () => {
    const page = await Bun.file(join(root, "docs/proxysql.md")).text();
    expect(page).toBe(proxysqlReference());
  });

  test("docs/metrics.md is what the metrics make (just docs)", async () => {
    const page = await Bun.file(join(root, "docs/metrics.md")).text();
    expect(page).toBe(metricsReference());
  });

  test("every counter is a metric", async () => {
    // Told otherwise: by worker and by state; and a maximum, which no sum can tell.
    const elsewhere = ["clients", "clientsUnauthenticated", "poolWaitMsMax"];
    const source = await Bun.file(join(root, "mod/admin/metrics.ts")).text();
    const missing = Object.keys(new Counters()).filter((name) =>
      !source.includes(`"${name}"`) && !elsewhere.includes(name)
    );
    expect(missing).toEqual([]);
  });

  test("every configuration key has its heading", async () => {
    const page = await Bun.file(join(root, "docs/configuration.md")).text();
    const keys = describeConfig().flatMap((section) => section.keys);
    expect(keys.length).toBeGreaterThan(40);
    expect(keys.filter(({ path }) => !page.includes(`### \`${path}\``))).toEqual([]);
  });

  test("docs/exit-status.md names every status", async () => {
    const page = await Bun.file(join(root, "docs/exit-status.md")).text();
    const missing = Object.values(exitStatus).filter((it) => !page.includes(`| ${it} `));
    expect(missing).toEqual([]);
  });

  test("files that a page names exist", async () => {
    const missing: string[] = [];
    for (const page of pages) {
      const text = await Bun.file(join(root, page)).text();
      const named = /`((?:mod|commands|tui|fixtures|tests|bench|tools|docs)\/[\w./-]*\w)`/g;
      for (const [, path] of text.matchAll(named)) {
        if (!existsSync(join(root, path!))) missing.push(`${page} names ${path}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test("links between pages lead somewhere", async () => {
    const missing: string[] = [];
    for (const page of pages) {
      const text = await Bun.file(join(root, page)).text();
      for (const [, link] of text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)) {
        if (!existsSync(join(root, page, "..", link!))) missing.push(`${page} links ${link}`);
      }
    }
    expect(missing).toEqual([]);
  });
});
