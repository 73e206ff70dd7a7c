// No proxy: clients connect to the server itself.

import type { Contender } from "./contender.ts";

/** The contender all others are compared with. */
export const direct: Contender = { name: "direct", byDefault: true, version: () => "" };
