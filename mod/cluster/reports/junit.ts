// Checks of a topology as JUnit XML, which CI systems show as tests.

import type { Check } from "../expectations.ts";
import type { Topology } from "../topology.ts";

/** A suite with a test for each server, that it is reached, and one for each check. */
export function junitReport(topology: Topology, checks: readonly Check[]): string {
  const reached = topology.servers.map(({ name, state, reason, error }): Check => ({
    name: `${name} is reached`,
    holds: state !== "down" && state !== "suspect",
    message: error || reason,
  }));
  const all = [...reached, ...checks];
  const failures = all.filter(({ holds }) => !holds).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="mysqlproxy probe" tests="${all.length}" failures="${failures}">`,
    ...all.flatMap(testCase),
    "</testsuite>",
    "",
  ].join("\n");
}

function testCase({ name, holds, message }: Check): string[] {
  const open = `  <testcase classname="mysqlproxy.probe" name="${escaped(name)}"`;
  if (holds) return [`${open} />`];
  return [`${open}>`, `    <failure message="${escaped(message)}" />`, "  </testcase>"];
}

function escaped(text: string): string {
  return text.replace(
    /[&<>"\n]/g,
    (character) =>
      ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;" })[character]!,
  );
}
