// The effects of SET statements.

import { Effect, UNKNOWN } from "./effect.ts";
import { type EffectReader, Stop } from "./effect_reader.ts";
import { Mark } from "./scanner.ts";
import { SetTarget } from "./set_target.ts";
import { NOT_READS, VARIABLE_SET } from "./word_effects.ts";
import { word } from "./words.ts";

const STATEMENT = word("STATEMENT");
const FOR = word("FOR");

const target = new SetTarget();

/** SET: reads on behind the word; true where a statement follows (SET STATEMENT ... FOR). */
export function readSet(reader: EffectReader): boolean {
  const { scanner } = reader;
  if (scanner.word === STATEMENT) {
    reader.walk(Stop.FOR);
    if (scanner.word !== FOR) {
      reader.found |= UNKNOWN | NOT_READS;
      return false;
    }
    scanner.next();
    return true;
  }
  reader.found |= NOT_READS;
  target.reset();
  for (;;) {
    const known = target.read(scanner);
    reader.found |= known ? effectsOfTarget() : UNKNOWN;
    if (known && target.scope !== "user" && reader.mentionsTrackers(target.nameStart)) {
      reader.found |= Effect.ASKS_VARIABLES;
    }
    if (known && target.scope === "password") reader.pass();
    if (!known || target.isWhole) return false;
    reader.walk(Stop.COMMA);
    if (scanner.mark !== Mark.COMMA) return false;
    scanner.next();
  }
}

function effectsOfTarget(): number {
  switch (target.scope) {
    case "session":
      return Effect.SETS_VARIABLE | VARIABLE_SET[target.variable];
    case "names":
    case "charset":
      return Effect.SETS_VARIABLE;
    case "next":
      return Effect.NEXT_TRANSACTION;
    case "global":
    case "persist":
    case "persist_only":
      return Effect.SETS_GLOBAL;
    case "user":
      return Effect.SETS_USER_VARIABLE;
    case "role":
      return Effect.SETS_ROLE;
    case "default_role":
    case "password":
      return Effect.CONCERNS_PROXY;
  }
}
