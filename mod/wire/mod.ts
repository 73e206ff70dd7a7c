// MySQL's wire protocol: framing, capabilities, handshake, commands, following answers.
// Pure: bytes in, facts out. No I/O, no clock.

export * from "./answer_facts.ts";
export * from "./auth_packets.ts";
export * from "./binary_value.ts";
export * from "./bytes.ts";
export * from "./capabilities.ts";
export * from "./change_user.ts";
export * from "./column_definition.ts";
export * from "./commands.ts";
export * from "./err.ts";
export * from "./field_type.ts";
export * from "./frame.ts";
export * from "./greeting.ts";
export * from "./handshake_response.ts";
export * from "./ok.ts";
export * from "./prepared.ts";
export * from "./response_tracker.ts";
export * from "./session_state.ts";
export {
  type ColumnType,
  encodeBinaryResult,
  encodeFieldList,
  encodeTextResult,
  type ResultShape,
  type TextResult,
} from "./text_result.ts";
