// Writes docs/configuration.md from the configuration's schema.

import { join } from "node:path";
import { configReference } from "../mod/config/mod.ts";

const page = join(import.meta.dir, "../docs/configuration.md");
await Bun.write(page, configReference());
console.log("wrote docs/configuration.md");
