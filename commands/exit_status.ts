// The statuses the program ends with; docs/exit-status.md tells people what each means.

/** Exit statuses by reason. */
export const exitStatus = {
  ok: 0,
  failure: 1,
  usage: 2,
  configuration: 3,
  cannotListen: 4,
  certificate: 5,
} as const;
