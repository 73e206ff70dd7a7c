// Writes the pages that are made from the source: docs/configuration.md from the configuration's
// schema, docs/admin.md and docs/proxysql.md from the tables of the admin port,
// docs/metrics.md from the metrics.

import { join } from "node:path";
import { adminReference, metricsReference, proxysqlReference } from "../mod/admin/mod.ts";
import { configReference } from "../mod/config/mod.ts";

const pages = {
  configuration: configReference(),
  admin: adminReference(),
  metrics: metricsReference(),
  proxysql: proxysqlReference(),
};
for (const [name, text] of Object.entries(pages)) {
  await Bun.write(join(import.meta.dir, `../docs/${name}.md`), text);
  console.log(`wrote docs/${name}.md`);
}
