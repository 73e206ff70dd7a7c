// A configuration that changes while the proxy runs: SIGHUP, the admin port, the command line.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childrenOf, proxyCommand, type ProxyProcess, startProxy } from "../proxy_process.ts";
import { RawClient, refusal } from "./raw_client.ts";
import { kinds, loginAs, subject, until } from "./subjects.ts";

interface Place extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  readonly file: string;
  readonly admin: RawClient;
  write(text: string): void;
  /** Runs `mysqlproxy config`; gives its status and output. */
  config(...args: string[]): Promise<{ status: number; output: string }>;
}

/** A proxy with a file of its own. */
async function place(text: string, workers = "1"): Promise<Place> {
  const { server } = await subject(kinds[0]!);
  const folder = mkdtempSync(join(tmpdir(), "mp-live-"));
  const file = join(folder, "proxy.toml");
  writeFileSync(file, text);
  const socket = join(folder, "admin.sock");
  const proxy = await startProxy({
    backends: [server],
    args: ["-c", file, "--workers", workers],
    env: { MYSQLPROXY_ADMIN_SOCKET: socket },
  });
  await proxy.untilLogged(/admin port .*unix:/);
  const admin = await RawClient.connect({ path: socket, user: "admin", password: "" });
  return {
    proxy,
    file,
    admin,
    write: (text) => writeFileSync(file, text),
    async config(...args) {
      const child = Bun.spawn([...proxyCommand(), "config", ...args, "--via", `unix:${socket}`], {
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, error, status] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { status, output: out + error };
    },
    async [Symbol.asyncDispose]() {
      admin[Symbol.dispose]();
      await proxy.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

const revision = async (admin: RawClient) =>
  Number(await admin.value("SELECT config_revision FROM proxy"));

for (const workers of ["1", "2"]) {
  test(`SIGHUP applies the whole file, or nothing of it, ${workers} worker(s)`, async () => {
    const { server } = await subject(kinds[0]!);
    const { app } = server.accounts;
    await using here = await place("[limits]\nclients_max = 100\n", workers);
    const { admin, proxy } = here;
    using first = await loginAs(app, proxy);
    expect(await first.value("SELECT 1")).toBe("1");
    await until(
      "the client is counted",
      async () => Number((await admin.query("SHOW COUNTERS LIKE 'clients'"))[0]![1]) === 1,
    );
    here.write('[limits]\nclients_max = 1\n[log]\nlevel = "debug"\n');
    process.kill(proxy.pid, "SIGHUP");
    await proxy.untilLogged(/configuration applied .*revision=2 by=SIGHUP/);
    expect(await revision(admin)).toBe(2);
    expect((await refusal(loginAs(app, proxy))).code).toBe(1040);
    expect(await first.value("SELECT 'still here'")).toBe("still here");
    // One wrong line: nothing of the file counts, and the line is named.
    here.write('[limits]\nclients_max = 50\nidle_timeout = "never"\n');
    process.kill(proxy.pid, "SIGHUP");
    expect(await proxy.untilLogged(/configuration refused/)).toContain(":3:1: limits.idle_timeout");
    expect(await revision(admin)).toBe(2);
    expect((await refusal(loginAs(app, proxy))).code).toBe(1040);
    here.write('[limits]\nclients_max = 50\n[http]\nlisten = "127.0.0.1:0"\n');
    process.kill(proxy.pid, "SIGHUP");
    await proxy.untilLogged(/configuration applied .*revision=3/);
    expect(await proxy.untilLogged(/changes need a restart/)).toContain("keys=http.listen");
    using second = await loginAs(app, proxy);
    expect(await second.value("SELECT 2")).toBe("2");
    expect(await admin.value("SELECT value FROM properties WHERE name = 'http.listen'")).toBe("");
  });
}

test("a worker that stands still for a while has the configuration when it goes on", async () => {
  await using here = await place("[limits]\nclients_max = 100\n", "2");
  const { admin, proxy } = here;
  const [worker] = childrenOf(proxy.pid);
  process.kill(worker!, "SIGSTOP");
  const applied = admin.query("CONFIG APPLY 'limits.clients_max = 7'");
  await Bun.sleep(1500); // other answers of workers are not waited for so long
  process.kill(worker!, "SIGCONT");
  await applied;
  expect(await revision(admin)).toBe(2);
});

test("config diff, apply and rollback", async () => {
  await using here = await place("[limits]\nclients_max = 100\n");
  const { admin, file } = here;
  expect(await here.config("diff", file)).toEqual({ status: 0, output: "nothing differs\n" });
  here.write(
    '[limits]\nclients_max = 7 # it\'s few\n[[user]]\nname = "a"\npassword = "secret"\n' +
      '[http]\nlisten = "127.0.0.1:0"\n',
  );
  const diff = await here.config("diff", file);
  expect(diff.status).toBe(0);
  expect(diff.output).toContain("limits.clients_max: 100 -> 7\n");
  expect(diff.output).toContain(
    "http.listen: nothing -> 127.0.0.1:0 (takes a restart)".replace("nothing", ""),
  );
  expect(diff.output).toContain("user: nothing -> 'a'@'%'");
  expect(diff.output).not.toContain("secret");
  expect(await revision(admin)).toBe(1);
  expect((await here.config("apply", file)).status).toBe(0);
  expect(await revision(admin)).toBe(2);
  const value = async () =>
    await admin.value("SELECT value FROM properties WHERE name = 'limits.clients_max'");
  expect(await value()).toBe("7");
  // The file that is wrong is named, not the one that the proxy has.
  const other = `${file}.other`;
  writeFileSync(other, '[limits]\nclients_max = 0\nwhat = 1\n[auth]\nmode = "static"\n');
  for (const order of ["diff", "apply"]) {
    expect(await here.config(order, other)).toEqual({
      status: 3,
      output: [
        `${other}:2:1: limits.clients_max: must be a whole number from 1 to 1000000, not 0`,
        `${other}:3:1: limits.what: unknown key`,
        `${other}:5:1: auth.mode: needs at least one [[user]] to be "static"`,
      ].map((line) => `${line}\n`).join(""),
    });
  }
  // So is a line that names a file which cannot be read or written.
  writeFileSync(
    other,
    '[client_tls]\ncert = "/none/cert.pem"\nkey = "/none/key.pem"\n[audit]\n file = "/none/audit.log"\n',
  );
  for (const order of ["diff", "apply"]) {
    expect(await here.config(order, other)).toEqual({
      status: 3,
      output: [
        `${other}:2:1: client_tls.cert: cannot read "/none/cert.pem": it does not exist`,
        `${other}:3:1: client_tls.key: cannot read "/none/key.pem": it does not exist`,
        `${other}:5:2: audit.file: cannot write to "/none/audit.log": there is no directory "/none"`,
      ].map((line) => `${line}\n`).join(""),
    });
  }
  expect(await revision(admin)).toBe(2);
  expect((await here.config("rollback")).output).toContain("limits.clients_max: 7 -> 100");
  expect(await value()).toBe("100");
  expect(await revision(admin)).toBe(3);
  expect((await here.config("rollback", "2")).status).toBe(0);
  expect(await value()).toBe("7");
  expect((await here.config("rollback", "99")).status).toBe(3);
  expect(
    (await admin.query("SELECT number, changed_by FROM revisions")).map((row) => row.join(" ")),
  )
    .toEqual(["1 start", "2 admin", "3 rollback", "4 rollback"]);
});

test("a file that is watched is applied when it changes", async () => {
  await using here = await place("watch = true\n[limits]\nclients_max = 100\n");
  here.write("watch = true\n[limits]\nclients_max = 99\n");
  await here.proxy.untilLogged(/configuration applied .*by=file keys=limits.clients_max/);
});

test("accounts of the file come and go; passwords that are wrong then are refused", async () => {
  const { server } = await subject(kinds[0]!);
  const { app } = server.accounts;
  const user = (name: string, password: string) =>
    `[[user]]\nname = "${name}"\npassword = "${password}"\n`;
  await using here = await place(`[auth]\nmode = "static"\n${user("nobody", "x")}`);
  const { proxy, admin } = here;
  expect((await refusal(loginAs(app, proxy))).code).toBe(1045);
  here.write(`[auth]\nmode = "static"\n${user(app.user, app.password)}`);
  expect((await here.config("apply", here.file)).output).toContain("user: nothing -> ");
  using client = await loginAs(app, proxy);
  expect(await client.value("SELECT 1")).toBe("1");
  await admin.query("CONFIG ROLLBACK");
  expect((await refusal(loginAs(app, proxy))).code).toBe(1045);
});

for (const mode of ["session", "transaction"]) {
  test(`many changes under load harm no client, ${mode} pooling, two workers`, async () => {
    const { server } = await subject(kinds[0]!);
    const { app } = server.accounts;
    await using here = await place(`[pool]\nmode = "${mode}"\n`, "2");
    const { proxy, admin } = here;
    let ended = false;
    let statements = 0;
    const load = Array.from({ length: 16 }, async () => {
      while (!ended) {
        using client = await loginAs(app, proxy);
        for (let i = 0; i < 20 && !ended; i++) {
          expect(await client.value(`SELECT ${i}`)).toBe(String(i));
          statements++;
        }
      }
    });
    await until("the load runs", () => statements > 50);
    const changes = 100;
    for (let i = 1; i <= changes; i++) {
      const text = `[pool]\nmode = "${mode}"\nconnections_max = ${20 + i}\nwait_timeout = "${
        10 + i
      }s"\n[limits]\nclients_max = ${1000 + i}\nbuffer_max = "${64 + i}KiB"\n`;
      await admin.query(`CONFIG APPLY '${text}'`);
    }
    const before = statements;
    await until("the load goes on", () => statements > before + 50);
    ended = true;
    await Promise.all(load);
    expect(await revision(admin)).toBe(changes + 1);
    expect(await admin.value("SELECT value FROM properties WHERE name = 'limits.clients_max'"))
      .toBe(String(1000 + changes));
    expect(await admin.value("SELECT count(*) FROM revisions")).toBe("50");
  }, 60_000);
}

test("a log whose folder is gone keeps nobody from changing something else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mp-live-log-"));
  const text = `[slow_log]\nfile = "${folder}/slow.log"\n`;
  await using here = await place(text);
  rmSync(folder, { recursive: true });
  await here.admin.query("SET limits.clients_max = 77");
  here.write(`${text}[limits]\nclients_max = 78\n`);
  expect((await here.config("apply", here.file)).output).toContain(
    "limits.clients_max: 77 -> 78",
  );
  // Another file is looked at.
  here.write(`[slow_log]\nfile = "${folder}/other.log"\n`);
  expect((await here.config("apply", here.file)).output).toBe(
    `${here.file}:2:1: slow_log.file: cannot write to "${folder}/other.log": ` +
      `there is no directory "${folder}"\n`,
  );
});
