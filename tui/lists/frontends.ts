// Clients' sessions: who they are, what they do, what holds them.

import { elapsed } from "../format.ts";
import { numberOf, type Row, textOf } from "../snapshot.ts";
import type { Tone } from "../theme.ts";
import {
  above,
  type List,
  type ListOrder,
  numberColumn,
  secondsColumn,
  textColumn,
} from "./list.ts";

const STATE_TONES: Readonly<Record<string, Tone>> = {
  sleep: "muted",
  wait: "warn",
  restore: "accent",
  execute: "ok",
  login: "accent",
};

/** The state of a session as a tone. */
function sessionTone(row: Row): Tone | undefined {
  return STATE_TONES[textOf(row, "state")];
}

/** What may be done to a session, and is asked about first. */
const KILLS: Readonly<Record<string, ListOrder>> = {
  x: {
    label: "kill query",
    order: (row) => kill(row, "KILL QUERY", "Kill the statement of"),
  },
  X: {
    label: "kill connection",
    order: (row) => kill(row, "KILL", "End the connection of"),
  },
};

function kill(row: Row, verb: string, asked: string) {
  const id = numberOf(row, "id");
  if (id === null) return undefined;
  const who = `${textOf(row, "user") || "?"}@${textOf(row, "host")}`;
  return { question: `${asked} session ${id} (${who})?`, statement: `${verb} ${id}` };
}

const LONG_S = 10;
const VERY_LONG_S = 60;

/** Seconds that a statement has been under way; null where there is none. */
function runningS(row: Row): number | null {
  const measured = numberOf(row, "statement_us");
  if (measured !== null) return measured / 1e6;
  return textOf(row, "state") === "sleep" ? null : numberOf(row, "idle_s");
}

/** Every session, the longest under way first. */
export const frontendsList: List = {
  name: "frontends",
  title: "Frontends",
  tables: ["frontends", "states"],
  sort: { key: "running_s", descending: true },
  columns: [
    numberColumn("id", { title: "ID", width: 10, show: (id) => String(id ?? "–"), align: "left" }),
    textColumn("user", { title: "USER", width: 8, widthMax: 16 }),
    textColumn("host", { title: "HOST", width: 15, widthMax: 24, drop: 3 }),
    textColumn("db", { title: "DB", width: 6, widthMax: 14, drop: 2 }),
    textColumn("state", { title: "STATE", width: 7, tone: sessionTone }),
    numberColumn("running_s", {
      title: "TIME",
      show: elapsed,
      width: 6,
      tone: above("running_s", { warn: LONG_S, bad: VERY_LONG_S }),
    }),
    secondsColumn("age_s", { title: "AGE", width: 6, drop: 4 }),
    textColumn("pins", {
      title: "PINNED BY",
      width: 9,
      widthMax: 20,
      drop: 1,
      text: (row) => heldBy(row),
      order: heldBy,
    }),
    textColumn("server", { title: "SERVER", width: 14, widthMax: 22, drop: 5 }),
    numberColumn("commands", { title: "CMDS", width: 5, drop: 6 }),
    textColumn("statement", { title: "STATEMENT", width: 24, grows: true }),
  ],
  rows: (model) =>
    (model.tables.frontends ?? []).map((row) => ({ ...row, running_s: runningS(row) })),
  keyOf: (row) => textOf(row, "id"),
  empty: () => "no clients are connected",
  orders: KILLS,
};

/** What keeps a session on its connection, an open transaction first. */
function heldBy(row: Row): string {
  const pins = textOf(row, "pins");
  if (numberOf(row, "in_transaction") !== 1) return pins;
  return pins === "" ? "transaction" : `transaction, ${pins}`;
}

/** Sessions with something under way, the longest first: whom somebody waits for. */
export const waitingList: List = {
  name: "waiting",
  title: "Under way",
  tables: ["frontends", "states"],
  sort: { key: "running_s", descending: true },
  columns: [
    numberColumn("id", { title: "ID", width: 10, show: (id) => String(id ?? "–"), align: "left" }),
    textColumn("state", { title: "STAGE", width: 8, tone: sessionTone }),
    numberColumn("running_s", {
      title: "FOR",
      show: elapsed,
      width: 6,
      tone: above("running_s", { warn: LONG_S, bad: VERY_LONG_S }),
    }),
    textColumn("user", { title: "USER", width: 8, widthMax: 16 }),
    textColumn("server", { title: "SERVER", width: 14, widthMax: 22, drop: 2 }),
    textColumn("pins", { title: "PINNED BY", width: 9, widthMax: 20, drop: 3, text: heldBy }),
    textColumn("statement", { title: "STATEMENT", width: 24, grows: true }),
  ],
  rows: (model) =>
    (model.tables.frontends ?? [])
      .filter((row) => textOf(row, "state") !== "sleep")
      .map((row) => ({ ...row, running_s: runningS(row) })),
  keyOf: (row) => textOf(row, "id"),
  empty: () => "nothing is under way",
  orders: KILLS,
};
