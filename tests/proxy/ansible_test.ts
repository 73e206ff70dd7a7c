// Ansible's modules for ProxySQL on the admin port, as Debian has them: a playbook that sets servers,
// users, rules and variables changes the configuration, and played again it changes nothing.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import type { Account } from "../servers/mod.ts";
import { whyMissing } from "../setup/cache.ts";
import { kinds, loginAs, subject, until } from "./subjects.ts";

const missing = whyMissing("ansible");
if (missing !== null) console.log(`skipped: Ansible's modules for ProxySQL: ${missing}`);

const PLAY_MS_MAX = 120_000;

let folder: string;
let proxy: ProxyProcess;
let port: number;
/** The proxy's own account, which may do everything on the admin port. */
let monitor: Account;

beforeAll(async () => {
  if (missing !== null) return;
  const { server } = await subject(kinds[0]!);
  ({ monitor } = server.accounts);
  folder = mkdtempSync(join(tmpdir(), "mp-ansible-"));
  const file = join(folder, "proxy.toml");
  writeFileSync(
    file,
    `backends = ["127.0.0.1:${server.port}"]\n[auth]\nmode = "static"\n` +
      `[account]\nuser = "${monitor.user}"\npassword = "${monitor.password}"\n` +
      '[[user]]\nname = "app"\npassword = "app"\n',
  );
  port = server.port;
  proxy = await startProxy({ backends: [], args: ["-c", file, "--admin", "127.0.0.1:0"] });
  using admin = await loginAs(monitor, { port: await proxy.loggedPort("admin port") });
  await until(
    "the primary is known",
    async () =>
      await admin.value("SELECT count(*) FROM mysql_servers WHERE hostgroup_id = 0") === "1",
  );
});

afterAll(async () => {
  await proxy?.stop();
  if (missing === null) rmSync(folder, { recursive: true });
});

/** What a task came to. */
interface Result {
  readonly changed: boolean;
  readonly failed?: boolean;
  readonly msg?: string;
}

/** Plays the tasks; the result of each by its name. */
async function play(tasks: readonly (readonly [string, object])[]): Promise<Map<string, Result>> {
  const login = {
    login_host: "127.0.0.1",
    login_port: await proxy.loggedPort("admin port"),
    login_user: monitor.user,
    login_password: monitor.password,
  };
  const playbook = join(folder, "play.json"); // YAML includes JSON
  writeFileSync(
    playbook,
    JSON.stringify([{
      hosts: "localhost",
      connection: "local",
      gather_facts: false,
      vars: { ansible_python_interpreter: "/usr/bin/python3" },
      tasks: tasks.map(([module, given]) => ({
        name: module,
        [`community.proxysql.${module}`]: { ...login, ...given },
      })),
    }]),
  );
  const child = Bun.spawn(["ansible-playbook", "-i", "localhost,", playbook], {
    cwd: folder,
    env: {
      ...process.env,
      ANSIBLE_HOME: folder,
      ANSIBLE_LOCAL_TEMP: folder,
      ANSIBLE_STDOUT_CALLBACK: "json",
      LC_ALL: "C.UTF-8",
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, complaints] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const start = output.indexOf("{");
  if (start < 0) throw new Error(`Ansible said nothing: ${output}${complaints}`);
  const { plays } = JSON.parse(output.slice(start)) as {
    plays: { tasks: { task: { name: string }; hosts: { localhost: Result } }[] }[];
  };
  return new Map(plays[0]!.tasks.map(({ task, hosts }) => [task.name, hosts.localhost]));
}

test.skipIf(missing !== null)("a playbook changes the configuration once", async () => {
  const tasks = [
    ["proxysql_backend_servers", {
      hostgroup_id: 0,
      hostname: "127.0.0.1",
      port,
      weight: 3,
      state: "present",
    }],
    ["proxysql_mysql_users", {
      username: "shop",
      password: "sesame",
      encrypt_password: true,
      state: "present",
    }],
    ["proxysql_query_rules", {
      rule_id: 1,
      match_digest: "SELECT ?",
      destination_hostgroup: 0,
      active: true,
      apply: true,
      state: "present",
    }],
    ["proxysql_global_variables", { variable: "mysql-max_connections", value: "77" }],
    ["proxysql_manage_config", {
      action: "SAVE",
      config_settings: "MYSQL USERS",
      direction: "TO",
      config_layer: "DISK",
    }],
  ] as const;
  const first = await play(tasks);
  expect([...first].map(([name, { failed, msg }]) => [name, failed === true ? msg : ""])).toEqual(
    tasks.map(([name]) => [name, ""]),
  );
  expect([...first].map(([name, { changed }]) => [name, changed])).toEqual(
    tasks.map(([name]) => [name, true]),
  );
  const text = readFileSync(join(folder, "proxy.toml"), "utf8");
  expect(text).toContain('name = "shop"');
  const again = await play(tasks.slice(0, 4));
  expect([...again].map(([name, { changed, failed }]) => [name, changed, failed])).toEqual(
    tasks.slice(0, 4).map(([name]) => [name, false, undefined]),
  );
}, PLAY_MS_MAX);

test.skipIf(missing !== null)("proxysql_info tells of all tables", async () => {
  const result = (await play([["proxysql_info", {}]])).get("proxysql_info") as unknown as {
    readonly version: { readonly major: number };
    readonly global_variables: object;
    readonly mysql_servers: readonly object[];
  };
  expect(result.version.major).toBe(2);
  expect(result.mysql_servers.length).toBeGreaterThan(0);
  expect(Object.keys(result.global_variables).length).toBeGreaterThan(10);
}, PLAY_MS_MAX);
