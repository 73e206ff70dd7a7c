// The command line: which commands there are, and what a failed one leaves to say.

export type { CatalogEntry, CommandModule, PickedCommand } from "./catalog.ts";
export { pickCommand } from "./catalog.ts";
export { CommandError, explain } from "./failure.ts";
export { exitStatus } from "./exit_status.ts";
