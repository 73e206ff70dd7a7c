// The text of the statement that a session has under way.

import { Tokenizer } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { statementStart } from "./statement_start.ts";

/** The text of the statement under way, or of the one that is executed. */
export function textOf(
  session: PooledSession,
): { readonly bytes: Uint8Array; readonly start: number } {
  const { statement, command } = session;
  if (statement) return { bytes: statement.packet, start: HEADER_LENGTH + 1 };
  const start = command[HEADER_LENGTH] === Command.QUERY && session.session.hasQueryAttributes
    ? statementStart(command, HEADER_LENGTH, command.length)
    : HEADER_LENGTH + 1;
  return { bytes: command, start };
}

/** The command under way runs the text of a statement. */
export function runsText({ command }: PooledSession): boolean {
  const code = command[HEADER_LENGTH];
  return code === Command.QUERY || code === Command.STMT_EXECUTE ||
    code === Command.STMT_BULK_EXECUTE;
}

/**
 * The text begins with a word. Hot path: a tokenizer is made only where a comment or blank is first.
 *
 * @param word In upper case.
 */
export function startsWith(session: PooledSession, word: string): boolean {
  const { bytes, start } = textOf(session);
  if (isLetter(bytes[start])) {
    for (let i = 0; i < word.length; i++) {
      if ((bytes[start + i] & ~0x20) !== word.charCodeAt(i)) return false;
    }
    return !isLetter(bytes[start + word.length]);
  }
  const tokens = new Tokenizer(bytes, start, bytes.length);
  tokens.next();
  return tokens.is(word);
}

function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

/** A short statement's words in upper case, one blank apart, without comments; else its start. */
export function wordsOf(session: PooledSession): string {
  const { bytes, start } = textOf(session);
  const tokens = new Tokenizer(bytes, start, bytes.length);
  const words: string[] = [];
  for (tokens.next(); !tokens.atEnd && words.length < WORDS_MAX; tokens.next()) {
    words.push(tokens.text().toUpperCase());
  }
  return words.join(" ");
}

const WORDS_MAX = 20;
