// Changes to a list at the top of a configuration file: what stands around its elements stays.

import { findPlaces, type KeyPath } from "./places.ts";

/** An element as it is written; strings of one line alone are taken out. */
const ELEMENT = /^(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*')/;

/** Puts an element behind the last one of a list; a list that is not there is made. */
export function addToList(
  text: string,
  key: string,
  { length, literal }: { readonly length: number | undefined; readonly literal: string },
): string {
  // At the top: behind the first header it would be another section's.
  if (length === undefined) return `${key} = [${literal}]\n${text}`;
  if (length === 0) {
    const start = offsetOf(text, [key]);
    const open = text.indexOf("[", start) + 1;
    return text.slice(0, open) + literal + text.slice(open);
  }
  const start = offsetOf(text, [key, length - 1]);
  const end = start + written(text, start).length;
  // One element a line stays so.
  const indent = /\n[ \t]*$/.exec(text.slice(0, start))?.[0];
  return `${text.slice(0, end)},${indent ?? " "}${literal}${text.slice(end)}`;
}

/** Takes an element out, with its comma; comments stay. */
export function takeFromList(text: string, key: string, at: number): string {
  const start = offsetOf(text, [key, at]);
  const end = start + written(text, start).length;
  const behind = /^\s*,[ \t]*/.exec(text.slice(end))?.[0] ?? "";
  // The last one goes with the comma before it.
  const comma = behind === "" ? /,\s*$/.exec(text.slice(0, start))?.[0] ?? "" : "";
  let from = start - comma.length;
  const to = end + behind.length;
  // A line that had nothing else goes whole.
  const line = /\n[ \t]*$/.exec(text.slice(0, from))?.[0];
  if (line !== undefined && /^[ \t]*\n/.test(text.slice(to))) from -= line.length;
  return text.slice(0, from) + text.slice(to);
}

function written(text: string, start: number): string {
  return ELEMENT.exec(text.slice(start))?.[0] ?? "";
}

function offsetOf(text: string, path: KeyPath): number {
  const { line, column } = findPlaces(text).find(path) ?? { line: 1, column: 1 };
  return text.split("\n").slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0) +
    column - 1;
}
