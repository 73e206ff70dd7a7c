// SAVE ... TO DISK of what LOAD ... TO RUNTIME refuses: the next reading of the file would put it in force.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProxy } from "../proxy_process.ts";
import { ServerError } from "./raw_client.ts";
import { kinds, loginAs, ownAccount, subject } from "./subjects.ts";

const folder = mkdtempSync(join(tmpdir(), "mp-saving-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FILE = '# ours\n[limits]\nclients_max = 100 # few\nidle_timeout = "1h"\n';

test(
  "SAVE refuses what LOAD refuses, for the same reason, and the file stays as it is",
  async () => {
    const { server } = await subject(kinds[0]!);
    const file = join(folder, "proxy.toml");
    writeFileSync(file, FILE);
    await using proxy = await startProxy({
      backends: [server],
      args: ["-c", file, "--admin", "127.0.0.1:0", ...ownAccount(server)],
      env: { MYSQLPROXY_LIMITS_LOGIN_TIMEOUT: "9s" },
    });
    await proxy.untilLogged(/mode=synced/);
    const port = await proxy.loggedPort("admin port");
    const { user, password } = server.accounts.monitor;
    using admin = await loginAs({ user, password }, { port });
    const reason = async (statement: string) => {
      const answer = await admin.query(statement).catch((error: unknown) => error);
      if (answer instanceof ServerError) return answer.message;
      throw new Error(`Not refused: ${statement}`);
    };
    const insertRule = "INSERT INTO mysql_query_rules (rule_id, active, apply, match_pattern)";
    const wrong: readonly (readonly [edit: string, subject: string, reason: string])[] = [
      [
        "INSERT INTO mysql_users (username, password) VALUES ('me', 'too')",
        "USERS",
        "no effect while auth.mode is synced",
      ],
      ["UPDATE mysql_servers SET max_connections = 7", "SERVERS", "pool.connections_max"],
      ["UPDATE mysql_servers SET hostname = 'db9'", "SERVERS", "given by --backend"],
      [`${insertRule} VALUES (1, 0, 1, 'x')`, "QUERY RULES", "delete the row"],
      [`${insertRule} VALUES (1, 1, 1, '(')`, "QUERY RULES", "must be a regular expression"],
      ["SET mysql-max_connections = 0", "VARIABLES", "limits.clients_max"],
      ["SET mysql-connect_timeout_client = 5000", "VARIABLES", "MYSQLPROXY_LIMITS_LOGIN_TIMEOUT"],
    ];
    for (const [edit, subject, part] of wrong) {
      await admin.query(edit);
      const refused = await reason(`LOAD MYSQL ${subject} TO RUNTIME`);
      expect([edit, refused]).toEqual([edit, expect.stringContaining(part)]);
      expect([edit, await reason(`SAVE MYSQL ${subject} TO DISK`)]).toEqual([edit, refused]);
      expect(readFileSync(file, "utf8")).toBe(FILE);
      await admin.query(`SAVE MYSQL ${subject} TO MEMORY`);
      await admin.query(`SAVE MYSQL ${subject} TO DISK`);
      expect(readFileSync(file, "utf8")).toBe(FILE);
    }
    // What the file says lets everybody in as before.
    await admin.query("CONFIG RELOAD");
    using client = await loginAs(server.accounts.app, proxy);
    expect(await client.value("SELECT 1")).toBe("1");
  },
  60_000,
);
