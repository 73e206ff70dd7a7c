// Records fixtures/packets anew from real servers. Run by hand: bun tests/unit/wire/record_packets.ts
// Kept recordings are compared by people (git diff): ids, salts and times differ every time.

import { writeFileSync } from "node:fs";
import { record, recordingPath, recordingText } from "../../../fixtures/packets/mod.ts";
import { serverKinds, startServer } from "../../servers/mod.ts";

for (const kind of serverKinds()) {
  await using server = await startServer(kind, { tls: true });
  const { app, native, sha256 } = server.accounts;
  const recording = await record({
    server: kind,
    version: server.version,
    port: server.port,
    accounts: [app, native, sha256].filter((account) => account !== undefined),
  });
  const path = recordingPath(kind);
  writeFileSync(path, recordingText(recording));
  const exchanges = recording.conversations.reduce((n, { exchanges }) => n + exchanges.length, 0);
  console.log(`${path}: ${recording.conversations.length} conversations, ${exchanges} exchanges`);
}
