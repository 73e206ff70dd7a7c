// How the bytes of a session's statements are to be read.

import { isMariadb, type SessionState } from "../../backend/mod.ts";
import { type LexicalMode, multibyteOf } from "../../sql/mod.ts";
import type { SessionContext } from "../context.ts";

/** Modes by state: a state is made once and used for thousands of statements. */
const modes = new WeakMap<SessionState, LexicalMode>();

/** The mode that a state means; found at once where the state has been seen. */
export function lexicalModeOf(state: SessionState, { server }: SessionContext): LexicalMode {
  const known = modes.get(state);
  if (known) return known;
  const sqlMode = state.variables.get("sql_mode") ?? "";
  const charset = state.variables.get("character_set_client") ?? "";
  const { identity } = server;
  const found: LexicalMode = {
    ansiQuotes: sqlMode.includes("ANSI"),
    noBackslashEscapes: sqlMode.includes("NO_BACKSLASH_ESCAPES"),
    multibyte: multibyteOf(charset.replaceAll("'", "")),
    ...(identity && { server: isMariadb(identity) ? "mariadb" : "mysql" }),
  };
  const mode = shared(found);
  modes.set(state, mode);
  return mode;
}

/** There are few modes and there may be thousands of states. */
function shared(mode: LexicalMode): LexicalMode {
  const name = Object.values(mode).join();
  const known = madeModes.get(name);
  if (known) return known;
  madeModes.set(name, mode);
  return mode;
}

const madeModes = new Map<string, LexicalMode>();
