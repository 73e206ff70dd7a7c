// The servers and what has happened to them.

import {
  type ClusterEvent,
  findServer,
  formatPosition,
  type Position,
  type ReadPosition,
  readPosition,
  type TopologyServer,
} from "../../cluster/mod.ts";
import { formatAddress } from "../../config/mod.ts";
import type { Times } from "../../observe/mod.ts";
import { poolMax, type ServerUsage } from "../../proxy/mod.ts";
import { seconds, type Source, table, timeText } from "../table.ts";

/** A server as it is watched, and what goes to it. */
interface ServerFacts {
  readonly name: string;
  /** Undefined: it is not watched. */
  readonly watched: TopologyServer | undefined;
  /** How far the primary's data goes; undefined: not known, or there is none. */
  readonly primary: ReadPosition | undefined;
  readonly nowMs: number;
  readonly used: number;
  readonly idle: number;
  readonly max: number;
  readonly outstanding: number;
  /** Times of its answers; undefined: there are none. */
  readonly execute: Times | undefined;
  readonly errors: number;
  /** What has gone to it, by each of its names. */
  readonly usage: readonly ServerUsage[];
}

/** One row a server. */
export const serversTable = table<ServerFacts>("servers", {
  doc: "The servers, as they are watched and as they are used.",
  rows: serverFacts,
  columns: {
    name: ["TEXT", "`host:port` or `unix:/path`.", ({ name }) => name],
    role: [
      "TEXT",
      "`primary`, `replica` and so on. NULL: not watched.",
      ({ watched }) => watched?.role ?? null,
    ],
    native_role: [
      "TEXT",
      "The role in the server's own word.",
      ({ watched }) => watched?.roleWord ?? null,
    ],
    state: ["TEXT", "`up`, `suspect`, `down`, `draining` and so on. NULL: not watched.", (
      { watched },
    ) => watched?.state ?? null],
    since: [
      "TEXT",
      "When it came into this state, UTC.",
      ({ watched }) => watched ? timeText(watched.sinceMs) : null,
    ],
    since_s: [
      "REAL",
      "Seconds since then.",
      ({ watched, nowMs }) => watched ? seconds(Math.max(0, nowMs - watched.sinceMs)) : null,
    ],
    reason: [
      "TEXT",
      "Why it is in this state; empty: all is well.",
      ({ watched }) => watched?.reason ?? null,
    ],
    reads: ["INTEGER", "1 if new reads may go to it.", ({ watched }) => watched?.reads ?? null],
    writes: ["INTEGER", "1 if new writes may.", ({ watched }) => watched?.writes ?? null],
    lag_ms: [
      "REAL",
      "How late its data is, in milliseconds. NULL: not known.",
      ({ watched }) => watched?.lagMs ?? null,
    ],
    position: [
      "TEXT",
      "How far its data goes. NULL: not known.",
      ({ watched }) => watched?.position ? formatPosition(watched.position) : null,
    ],
    transactions_behind: [
      "INTEGER",
      "Transactions of the primary that it lacked when both were looked at last; where positions " +
      "are numbers, their difference. NULL: not known.",
      ({ watched, primary }) => transactionsBehind(watched?.position, primary),
    ],
    weight: ["INTEGER", "Its share beside others.", ({ watched }) => watched?.weight ?? null],
    tags: [
      "TEXT",
      "Words for rules, with commas.",
      ({ watched }) => watched?.tags.join(",") ?? null,
    ],
    rtt_ms: [
      "REAL",
      "Time of one question and its answer, in milliseconds.",
      ({ watched }) => watched?.rttMs ?? null,
    ],
    answer_age_ms: [
      "REAL",
      "Time since it answered last; all else about it is as old. NULL: it never has.",
      ({ watched, nowMs }) =>
        watched?.answeredMs == null ? null : Math.max(0, nowMs - watched.answeredMs),
    ],
    version: ["TEXT", "Its version.", ({ watched }) => watched?.version ?? null],
    read_only: [
      "INTEGER",
      "1 if it says so. NULL: not known.",
      ({ watched }) => watched?.readOnly ?? null,
    ],
    error: [
      "TEXT",
      "Why it does not answer, or hides something.",
      ({ watched }) => watched?.error ?? null,
    ],
    connections_used: ["INTEGER", "Connections that sessions have.", ({ used }) => used],
    connections_idle: ["INTEGER", "Connections that wait for one.", ({ idle }) => idle],
    connections_max: [
      "INTEGER",
      "Idle ones allowed, or, where they are shared, all of an account.",
      ({ max }) => max,
    ],
    outstanding: [
      "INTEGER",
      "Requests that it has not answered yet.",
      ({ outstanding }) => outstanding,
    ],
    sent: ["INTEGER", "Statements that it has answered.", ({ execute }) => execute?.count ?? 0],
    errors: ["INTEGER", "Of these, with an error.", ({ errors }) => errors],
    p50_us: [
      "INTEGER",
      "Half of its answers took no longer, in microseconds. NULL: there are none.",
      (
        { execute },
      ) => execute?.percentile(0.5) ?? null,
    ],
    p95_us: [
      "INTEGER",
      "95 of 100 took no longer.",
      ({ execute }) => execute?.percentile(0.95) ?? null,
    ],
    p99_us: [
      "INTEGER",
      "99 of 100 took no longer.",
      ({ execute }) => execute?.percentile(0.99) ?? null,
    ],
    connections_used_max: [
      "INTEGER",
      "Connections that sessions had at the same time since the start, at most.",
      ({ used, usage }) => Math.max(used, ...usage.map(({ usedMax }) => usedMax)),
    ],
    bytes_sent: [
      "INTEGER",
      "Bytes to it on these connections since the start, before TLS.",
      ({ usage }) => usage.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
    ],
    bytes_received: [
      "INTEGER",
      "Bytes from it.",
      ({ usage }) => usage.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
    ],
  },
});

async function serverFacts(source: Source): Promise<readonly ServerFacts[]> {
  const { running } = source.view;
  const backends = (await source.surveys()).flatMap((survey) => survey.backends);
  const topology = running.cluster?.topology;
  const metrics = running.metrics();
  const { servers: usages } = running.usage();
  const known = topology && topology.servers.length > 0
    ? topology.servers.map((watched) => ({ name: watched.name, watched }))
    : running.config.backends.map((address) => ({
      name: formatAddress(address),
      watched: undefined,
    }));
  const primary = topology && findServer(topology, topology.primary ?? "")?.position;
  const primaryRead = primary ? readPosition(primary) : undefined;
  return known.map(({ name, watched }) => {
    const names = [name, ...watched?.aliases ?? []];
    const isOwn = isOf(names);
    const own = backends.filter(isOwn);
    const stage = metrics.stages.find((each) => each.stage === "execute" && isOwn(each));
    const used = own.filter(({ session }) => session !== null).length;
    return {
      name,
      watched,
      primary: primaryRead,
      nowMs: source.nowMs,
      used,
      idle: own.length - used,
      max: poolMax(running.config),
      outstanding: own.reduce((sum, { outstanding }) => sum + outstanding, 0),
      execute: stage?.times,
      errors: metrics.errors.filter(isOwn).reduce((sum, { count }) => sum + count, 0),
      usage: names.flatMap((each) => usages.get(each) ?? []),
    };
  });
}

/** Transactions that are at `primary` and not at `position`; null: not known. */
export function transactionsBehind(
  position: Position | null | undefined,
  primary: ReadPosition | undefined,
): number | null {
  return position && primary ? primary.countBeyond(readPosition(position)) : null;
}

function isOf(names: readonly string[]): (fact: { readonly server: string }) => boolean {
  return ({ server }) => names.includes(server);
}

/** One row an event. */
export const eventsTable = table<ClusterEvent>("events", {
  doc: "What has happened to the servers, the last `cluster.events_max` of it.",
  rows: ({ view }) => view.running.cluster?.events ?? [],
  columns: {
    number: ["INTEGER", "Counts up from 1 since the start.", ({ number }) => number],
    time: ["TEXT", "UTC.", ({ atMs }) => timeText(atMs)],
    kind: ["TEXT", "As in SHOW EVENTS.", ({ kind }) => kind],
    server: ["TEXT", "The server it is about. NULL: the whole.", ({ server }) => server],
    before: ["TEXT", "What was before.", ({ from }) => from],
    after: ["TEXT", "What is now.", ({ to }) => to],
    reason: ["TEXT", "Why.", ({ reason }) => reason],
    duration_ms: ["REAL", "How long what has ended had lasted. NULL: nothing ended.", (
      { durationMs },
    ) => durationMs],
  },
});
