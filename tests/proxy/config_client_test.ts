// `config diff`, `apply` and `rollback` from another machine: TLS to the admin port, and arguments.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { proxyCommand, type ProxyProcess, startProxy } from "../proxy_process.ts";
import { certificates } from "../servers/certificates.ts";
import { kinds, subject } from "./subjects.ts";

const { authority, certificate, key } = certificates();
let folder: string;
let file: string;
let secure: ProxyProcess;
let plain: ProxyProcess;

beforeAll(async () => {
  const { server } = await subject(kinds[0]!);
  folder = mkdtempSync(join(tmpdir(), "mp-config-client-"));
  file = join(folder, "wanted.toml");
  const admin = '[admin]\npassword = "secret"\n';
  writeFileSync(file, `${admin}[limits]\nclients_max = 77\n`);
  const args = ["--admin", "127.0.0.1:0"];
  [secure, plain] = await Promise.all([
    startProxy({
      backends: [server],
      args: [...args, "--tls-cert", certificate, "--tls-key", key],
      config: admin,
    }),
    startProxy({ backends: [server], args: [...args, "--client-tls", "disabled"], config: admin }),
  ]);
});

afterAll(async () => {
  await Promise.all([secure?.stop(), plain?.stop()]);
  rmSync(folder, { recursive: true });
});

async function config(via: string, args: readonly string[]) {
  const child = Bun.spawn([...proxyCommand(), "config", ...args, "--via", via], {
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, MYSQLPROXY_ADMIN_PASSWORD: "secret" },
  });
  const [out, error, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, output: out + error };
}

const CHANGE = "limits.clients_max: 10000 -> 77";

/** Carries bytes to a port, and keeps what the client has sent. */
async function listener(port: number): Promise<{ server: Server; port: number; sent(): string }> {
  const pieces: Buffer[] = [];
  const server = createServer((client) => {
    const other = connect(port, "127.0.0.1");
    client.on("data", (piece: Buffer) => pieces.push(piece));
    client.pipe(other).pipe(client);
    for (const socket of [client, other]) {
      socket.on("error", () => {
        client.destroy();
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("No port");
  return { server, port: address.port, sent: () => Buffer.concat(pieces).toString("latin1") };
}

test("what is asked goes by TLS where the proxy offers it, without a flag", async () => {
  for (const [proxy, isRead] of [[secure, false], [plain, true]] as const) {
    const between = await listener(await proxy.loggedPort("admin port"));
    try {
      const answer = await config(`127.0.0.1:${between.port}`, ["diff", file]);
      expect(answer.output).toContain(CHANGE);
      expect(answer.status).toBe(0);
      expect(between.sent().includes("clients_max")).toBe(isRead);
    } finally {
      between.server.close();
    }
  }
});

test("--tls: required, checked against an authority, or not at all", async () => {
  const encrypted = `127.0.0.1:${await secure.loggedPort("admin port")}`;
  const open = `127.0.0.1:${await plain.loggedPort("admin port")}`;
  const checked = ["--tls-ca", authority];
  const works: readonly (readonly [via: string, flags: readonly string[]])[] = [
    [encrypted, ["--tls", "required"]],
    [encrypted, ["--tls", "verify-ca", ...checked]],
    [encrypted, ["--tls", "verify-identity", ...checked]],
    [encrypted, ["--tls", "disabled"]],
    [open, ["--tls", "preferred"]],
    [open, ["--tls", "disabled"]],
  ];
  for (const [via, flags] of works) {
    const answer = await config(via, ["diff", file, ...flags]);
    expect([flags, answer]).toEqual([
      flags,
      { status: 0, output: expect.stringContaining(CHANGE) },
    ]);
  }
  const fails: readonly (readonly [via: string, flags: readonly string[]])[] = [
    // Signed by nobody whom this machine knows.
    [encrypted, ["--tls", "verify-ca"]],
    [open, ["--tls", "required"]],
    [open, ["--tls", "verify-identity", ...checked]],
  ];
  for (const order of [["diff", file], ["apply", file], ["rollback"]]) {
    for (const [via, flags] of fails) {
      const answer = await config(via, [...order, ...flags]);
      expect([flags, answer]).toEqual([
        flags,
        { status: 1, output: expect.stringContaining(`cannot ask ${via}`) },
      ]);
    }
  }
  const missing = await config(encrypted, ["diff", file, "--tls-ca", join(folder, "none")]);
  expect(missing.output).toContain("--tls-ca: cannot read");
});

test("rollback takes the number of a revision, and nothing else", async () => {
  const via = `127.0.0.1:${await secure.loggedPort("admin port")}`;
  for (const word of ["abc", "1x", "0", "1.5"]) {
    const answer = await config(via, ["rollback", word]);
    expect([word, answer.status]).toEqual([word, 2]);
    expect(answer.output).toContain(`'${word}'`);
    expect(answer.output).toContain("number from 1 on");
  }
  expect((await config(via, ["apply", file])).output).toContain(CHANGE);
  expect((await config(via, ["rollback", "1"])).output).toContain(
    "limits.clients_max: 77 -> 10000",
  );
});
