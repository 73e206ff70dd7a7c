// TLS between clients and the proxy.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { selfSignedCertificate } from "../../mod/net/mod.ts";
import { Capability, decodeGreeting, encodeHandshakeResponse, frame } from "../../mod/wire/mod.ts";
import type { ProxyProcess } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import { RawClient, refusal, USUAL_FLAGS } from "./raw_client.ts";
import { kinds, loginAs, ownProxy, sharedProxy, subject, until } from "./subjects.ts";

const [kind] = kinds;
if (kind === undefined) throw new Error("Needs a server: MariaDB or MySQL");

describe("client TLS", () => {
  let server: RealServer;
  let folder: string;

  beforeAll(async () => {
    ({ server } = await subject(kind));
    folder = mkdtempSync(join(tmpdir(), "mp-tls-"));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** Writes a fresh certificate and key and gives their paths. */
  async function certificateFiles(name: string): Promise<{ cert: string; key: string }> {
    const made = await selfSignedCertificate({ commonName: name, days: 1 });
    const cert = join(folder, `${name}.pem`);
    const key = join(folder, `${name}-key.pem`);
    writeFileSync(cert, made.cert);
    writeFileSync(key, made.key);
    return { cert, key };
  }

  function peerName(client: RawClient): string {
    return String((client.socket as TLSSocket).getPeerCertificate().subject.CN);
  }

  test("disabled: not offered, and a client that wants it anyway is turned away", async () => {
    const proxy = await sharedProxy(server, ["--client-tls", "disabled"]);
    using plain = await loginAs(server.accounts.app, proxy);
    expect(plain.greeting.capabilities & Capability.SSL).toBe(0);
    expect(await plain.value("SELECT 1")).toBe("1");
    const eager = loginAs(server.accounts.app, proxy, { tls: true });
    expect(eager).rejects.toThrow();
    await eager.catch(() => {});
  });

  test("preferred: both with and without", async () => {
    const proxy = await sharedProxy(server);
    for (const tls of [false, true]) {
      using client = await loginAs(server.accounts.app, proxy, { tls });
      expect(client.greeting.capabilities & Capability.SSL).toBe(Capability.SSL);
      expect(await client.value("SELECT 1")).toBe("1");
    }
  });

  test("required: plain clients get the server's own words for it, unix sockets are let in", async () => {
    const path = join(folder, "required.sock");
    const proxy = await sharedProxy(server, ["--client-tls", "required", "-l", `unix:${path}`]);
    const error = await refusal(loginAs(server.accounts.app, proxy));
    expect(error.text).toBe(
      "3159 (HY000): Connections using insecure transport are prohibited while " +
        "--require_secure_transport=ON.",
    );
    using secure = await loginAs(server.accounts.app, proxy, { tls: true });
    expect(await secure.value("SELECT 1")).toBe("1");
    using local = await loginAs(server.accounts.app, { port: 0 }, { path });
    expect(await local.value("SELECT 1")).toBe("1");
  });

  test("a self-made certificate names localhost and loopback addresses and can be trusted", async () => {
    const proxy = await sharedProxy(server);
    using first = await loginAs(server.accounts.app, proxy, { tls: true });
    const { raw } = (first.socket as TLSSocket).getPeerCertificate();
    const ca = `-----BEGIN CERTIFICATE-----\n${
      raw.toString("base64")
    }\n-----END CERTIFICATE-----\n`;
    using checked = await loginAs(server.accounts.app, proxy, {
      tls: { ca, rejectUnauthorized: true, servername: "localhost" },
    });
    expect((checked.socket as TLSSocket).authorized).toBe(true);
    const certificate = new X509Certificate(raw);
    expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(certificate.checkIP("::1")).toBeDefined();
    expect(certificate.checkHost("elsewhere.example")).toBeUndefined();
  });

  test("a given certificate is shown", async () => {
    const { cert, key } = await certificateFiles("given");
    await using proxy = await ownProxy(server, { args: ["--tls-cert", cert, "--tls-key", key] });
    using client = await loginAs(server.accounts.app, proxy, { tls: true });
    expect(peerName(client)).toBe("given");
  });

  test("TLS 1.2 and 1.3 are spoken, 1.1 and 1.0 are not", async () => {
    const proxy = await sharedProxy(server);
    expect(await negotiated(proxy, "-tls1_3")).toBe("TLSv1.3");
    expect(await negotiated(proxy, "-tls1_2")).toBe("TLSv1.2");
    expect(await negotiated(proxy, "-tls1_1")).toBe("none");
    expect(await negotiated(proxy, "-tls1")).toBe("none");
  });

  test("min_version 1.3 refuses 1.2", async () => {
    await using proxy = await ownProxy(server, { config: '[client_tls]\nmin_version = "1.3"\n' });
    expect(await negotiated(proxy, "-tls1_3")).toBe("TLSv1.3");
    expect(await negotiated(proxy, "-tls1_2")).toBe("none");
  });

  test("SIGHUP: new connections see the new certificate, old ones go on", async () => {
    const { cert, key } = await certificateFiles("before");
    await using proxy = await ownProxy(server, { args: ["--tls-cert", cert, "--tls-key", key] });
    using old = await loginAs(server.accounts.app, proxy, { tls: true });
    expect(peerName(old)).toBe("before");
    const next = await selfSignedCertificate({ commonName: "after", days: 1 });
    writeFileSync(cert, next.cert);
    writeFileSync(key, next.key);
    process.kill(proxy.pid, "SIGHUP");
    await until("the new certificate is shown", async () => {
      using client = await loginAs(server.accounts.app, proxy, { tls: true });
      return peerName(client) === "after";
    });
    expect(await old.value("SELECT 'goes on'")).toBe("goes on");

    writeFileSync(cert, "no certificate");
    process.kill(proxy.pid, "SIGHUP");
    expect(await proxy.untilLogged(/certificates not read again/)).toContain(
      "holds no certificate in PEM",
    );
    using later = await loginAs(server.accounts.app, proxy, { tls: true });
    expect(peerName(later)).toBe("after");
  });

  test("SSLRequest and ClientHello in one segment", async () => {
    const proxy = await sharedProxy(server);
    await using joint = joiningForwarder(proxy.port);
    using client = await loginAs(server.accounts.app, joint, { tls: true });
    expect(joint.joined()).toBe(true);
    expect(await client.value("SELECT 'over TLS'")).toBe("over TLS");
  });

  test("bytes that came before TLS are never taken for the client's", async () => {
    // Somebody on the network puts a login of his own behind the client's SSLRequest.
    const proxy = await sharedProxy(server);
    await server.sql("DROP USER IF EXISTS 'injected'@'%'");
    await server.sql("CREATE USER 'injected'@'%' IDENTIFIED BY ''");
    const injected = frame(
      encodeHandshakeResponse({
        capabilities: (USUAL_FLAGS | Capability.SSL) >>> 0,
        mariadbCapabilities: 0,
        packetMax: 1 << 24,
        collation: 45,
        user: Buffer.from("injected"),
        authResponse: new Uint8Array(0),
        database: new Uint8Array(0),
        authPlugin: "mysql_native_password",
        attributes: new Uint8Array(0),
        zstdLevel: 0,
      }),
      2,
    );
    const entered = async () =>
      (await server.sql("SHOW PROCESSLIST")).filter((row) => row["User"] === "injected").length;
    const attacked = loginAs(server.accounts.app, proxy, { tls: true, injected });
    expect(attacked).rejects.toThrow();
    await attacked.catch(() => {});
    expect(await entered()).toBe(0);
    // The login itself is one that would have been let in.
    using invited = await loginAs({ user: "injected", password: "" }, proxy);
    expect(await entered()).toBe(1);
    expect(await invited.value("SELECT CURRENT_USER()")).toBe("injected@%");
  });

  test("a handshake that never ends and one that is garbage harm nobody", async () => {
    const proxy = await sharedProxy(server);
    using other = await loginAs(server.accounts.app, proxy, { tls: true });
    const broken = await RawClient.open({ port: proxy.port, user: "", password: "" });
    const greeting = decodeGreeting((await broken.packets.read()).payload);
    expect(greeting.capabilities & Capability.SSL).toBe(Capability.SSL);
    const request = Buffer.alloc(36);
    request.writeUIntLE(32, 0, 3);
    request[3] = 1;
    request.writeUInt32LE((USUAL_FLAGS | Capability.SSL) >>> 0, 4);
    broken.sendBytes(Buffer.concat([request, Buffer.alloc(2000, 0x55)]));
    await broken.closed;
    expect(await other.value("SELECT 1")).toBe("1");
  });
});

/** The protocol that OpenSSL's client agrees on with these options, or "none". */
async function negotiated(proxy: ProxyProcess, version: string): Promise<string> {
  const child = Bun.spawn(
    [
      "openssl",
      "s_client",
      "-starttls",
      "mysql",
      version,
      "-cipher",
      "DEFAULT@SECLEVEL=0",
      "-connect",
      `127.0.0.1:${proxy.port}`,
    ],
    { stdin: new Uint8Array(0), stdout: "pipe", stderr: "pipe" },
  );
  const text = await new Response(child.stdout).text();
  await child.exited;
  const found = /New, (TLSv[\d.]+), Cipher is (?!\(NONE\))/.exec(text);
  return found?.[1] ?? "none";
}

/** Forwards to a port, the client's first two segments after the greeting as one. */
function joiningForwarder(port: number): {
  readonly port: number;
  joined(): boolean;
} & AsyncDisposable {
  interface Pair {
    upstream?: Bun.Socket<undefined>;
    held: Buffer[];
    waiting: Buffer[];
  }
  let joined = false;
  const listener = Bun.listen<Pair>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async open(client) {
        client.data = { held: [], waiting: [] };
        client.data.upstream = await Bun.connect({
          hostname: "127.0.0.1",
          port,
          socket: {
            data(_socket, bytes) {
              client.write(bytes);
            },
            close() {
              client.end();
            },
          },
        });
        for (const bytes of client.data.waiting) client.data.upstream.write(bytes);
      },
      data(client, bytes) {
        const { held, upstream } = client.data;
        if (held.length === 2) upstream?.write(bytes);
        else {
          held.push(Buffer.from(bytes));
          // A segment that already is longer than an SSLRequest has both.
          if (held.length === 1 && bytes.length === 36) return;
          upstream?.write(Buffer.concat(held));
          joined = true;
          while (held.length < 2) held.push(Buffer.alloc(0));
        }
      },
      close(client) {
        client.data.upstream?.end();
      },
    },
  });
  return {
    port: listener.port,
    joined: () => joined,
    [Symbol.asyncDispose]() {
      listener.stop(true);
      return Promise.resolve();
    },
  };
}
