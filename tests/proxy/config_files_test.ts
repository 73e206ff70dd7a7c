// Changes by SET: in force at once, and with SET PERSIST in the file or in the overlay.

import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { proxyCommand, startProxy } from "../proxy_process.ts";
import { RawClient, ServerError } from "./raw_client.ts";
import { kinds, loginAs, subject, until } from "./subjects.ts";

const folder = mkdtempSync(join(tmpdir(), "mp-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

let places = 0;

async function place(text: string) {
  const { server } = await subject(kinds[0]!);
  const file = join(folder, `${++places}.toml`);
  writeFileSync(file, text);
  const socket = join(folder, `${places}.sock`);
  const proxy = await startProxy({
    backends: [server],
    args: ["-c", file, "--idle-timeout", "1h"],
    env: { MYSQLPROXY_ADMIN_SOCKET: socket },
    ownWorkers: true,
  });
  await proxy.untilLogged(/admin port .*unix:/);
  const admin = await RawClient.connect({ path: socket, user: "admin", password: "" });
  const property = async (name: string) =>
    (await admin.query(
      `SELECT value, source FROM properties WHERE name = '${name}'`,
    ))[0]?.join(" ");
  const failure = async (statement: string) => {
    const answer = await admin.query(statement).catch((error: unknown) => error);
    if (answer instanceof ServerError) return answer.message;
    throw new Error(`Not refused: ${statement}`);
  };
  return {
    proxy,
    file,
    overlay: file.replace(".toml", ".overlay.toml"),
    socket,
    admin,
    property,
    failure,
    text: () => readFileSync(file, "utf8"),
    async [Symbol.asyncDispose]() {
      admin[Symbol.dispose]();
      await proxy.stop();
    },
  };
}

const FILE = "# ours\n[limits]\nclients_max = 100 # few\n";

test("SET is in force, SET PERSIST in the file too, with its comments", async () => {
  await using here = await place(FILE);
  const { admin, property, failure, text } = here;
  await admin.query("SET limits.clients_max = 50");
  expect(await property("limits.clients_max")).toBe("50 file");
  expect(text()).toBe(FILE);
  await admin.query("SET GLOBAL pool.wait_timeout = '7s'");
  expect(await property("pool.wait_timeout")).toBe("7s file");
  await admin.query("SET PERSIST limits.clients_max = 60");
  expect(await property("limits.clients_max")).toBe("60 file");
  expect(text()).toBe(FILE.replace("= 100", "= 60"));
  await admin.query("SET PERSIST audit.except_users = 'a, b'");
  expect(text()).toContain('[audit]\nexcept_users = ["a", "b"]\n');
  await admin.query("SET PERSIST limits.clients_max = DEFAULT");
  expect(await property("limits.clients_max")).toBe("10000 default");
  expect(text()).not.toContain("clients_max");
  expect(await admin.value("SELECT changed_by FROM revisions ORDER BY number DESC LIMIT 1"))
    .toBe("admin");
  await admin.query(`SET PERSIST failover.replication_user = 'it''s "me"'`);
  expect(text()).toContain('replication_user = "it\'s \\"me\\""');
  await admin.query("SET PERSIST failover.replication_user = DEFAULT");
  // What cannot be is refused whole: neither in force nor written.
  const before = text();
  expect(await failure("SET PERSIST limits.clients_max = 0")).toContain("limits.clients_max");
  expect(await failure("SET limits.idle_timeout = '1s'")).toContain("given by --idle-timeout");
  expect(await failure("SET http.listen = '127.0.0.1:1'"))
    .toContain("http.listen takes a restart: SET PERSIST");
  expect(await property("http.listen")).toBe(" default");
  expect(await failure(`SET PERSIST account.user = 'nobody'`)).toContain("account: ");
  expect(text()).toBe(before);
  await admin.query("SET PERSIST workers = 2");
  expect(text()).toStartWith("workers = 2\n# ours\n");
  // Passwords are in no log; drivers' own variables are nobody's business.
  await admin.query("SET admin.stats_password = 'secret'");
  await admin.query("SET autocommit = 1, sql_mode = ''");
  expect(here.proxy.log()).toContain("SET admin.stats_password = '***'");
  expect(here.proxy.log()).not.toContain("secret");
});

test("with an overlay the file stays as it is, and the overlay counts", async () => {
  const text = `watch = true\n[config]\nwrite_back = "overlay"\n${FILE}`;
  await using here = await place(text);
  const { admin, property, failure, overlay } = here;
  expect(existsSync(overlay)).toBe(false);
  await admin.query("SET PERSIST limits.clients_max = 60");
  expect(await property("limits.clients_max")).toBe("60 overlay");
  expect(here.text()).toBe(text);
  expect(readFileSync(overlay, "utf8")).toBe("\n[limits]\nclients_max = 60\n");
  expect(statSync(overlay).mode & 0o777).toBe(0o600);
  expect((await admin.query("SHOW PROPERTIES LIKE 'limits.clients_max'"))[0])
    .toEqual(["limits.clients_max", "60", "10000", "overlay", "yes"]);
  // ProxySQL's way leads there too.
  await admin.query("SET mysql-query_digests = 'false'");
  await admin.query("LOAD MYSQL VARIABLES TO RUNTIME");
  expect(await property("metrics.statements")).toBe("false overlay");
  await admin.query("SAVE MYSQL VARIABLES TO DISK");
  expect(readFileSync(overlay, "utf8")).toContain("[metrics]\nstatements = false\n");
  expect(here.text()).toBe(text);
  // It is watched as the file is; a mistake in it is told with its place, and nothing of it counts.
  writeFileSync(overlay, "# by hand\n[limits]\nclients_max = 70\n");
  await until("it is applied", async () => await property("limits.clients_max") === "70 overlay");
  writeFileSync(overlay, "[limits]\nclients_max = 0\n");
  expect(await here.proxy.untilLogged(/configuration refused/)).toContain(
    `${overlay}:2:1: limits.clients_max`,
  );
  expect(await property("limits.clients_max")).toBe("70 overlay");
  expect(await failure("CONFIG RELOAD")).toContain(`${overlay}:2:1: limits.clients_max`);
  writeFileSync(overlay, "[limits]\nclients_max = 80\n");
  await until(
    "it is right again",
    async () => await property("limits.clients_max") === "80 overlay",
  );
  await admin.query("CONFIG ROLLBACK");
  expect(await property("limits.clients_max")).toBe("70 overlay");
  const diff = Bun.spawnSync([
    ...[...proxyCommand(), "config", "diff", here.file],
    ...["--via", `unix:${here.socket}`],
  ]);
  expect(diff.stdout.toString()).toContain("limits.clients_max: 70 -> 80 (overlay)\n");
});

test("levels of the log, of single modules too, by SET and by the file", async () => {
  const { server } = await subject(kinds[0]!);
  const { app } = server.accounts;
  await using here = await place(FILE);
  const { admin, proxy, property, failure } = here;
  const lines = (pattern: RegExp) => proxy.log().split("\n").filter((line) => pattern.test(line));
  const refusedLogin = () =>
    loginAs({ user: app.user, password: "wrong" }, proxy).catch(() => undefined);
  await refusedLogin();
  await proxy.untilLogged(/login refused .*module=session/);
  expect(lines(/debug admin command .*SELECT 'a'/).length).toBe(0);
  await admin.query("SET log.levels = 'admin=debug, session=error'");
  expect(await property("log.levels")).toBe("admin=debug, session=error file");
  await admin.query("SELECT 'a'");
  await proxy.untilLogged(/debug admin command .*SELECT 'a'.* module=admin/);
  const before = lines(/login refused/).length;
  await refusedLogin();
  // By the file, and back to one level for all.
  writeFileSync(here.file, `${FILE}[log]\nlevels = ["admin=warn"]\n`);
  process.kill(proxy.pid, "SIGHUP");
  await proxy.untilLogged(/configuration applied .*by=SIGHUP keys=log.levels module=config/);
  expect(lines(/login refused/).length).toBe(before);
  await admin.query("SELECT 'b'");
  await refusedLogin();
  await until("it is told again", () => lines(/login refused/).length === before + 1);
  expect(lines(/SELECT 'b'/).length).toBe(0);
  expect(await failure("SET log.levels = 'kitchen=debug'")).toContain("must be module=level");
});
