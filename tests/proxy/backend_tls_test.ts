// TLS between the proxy and its servers.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RealServer, startServer } from "../servers/mod.ts";
import { selfSignedCertificate } from "../../mod/net/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { refusal } from "./raw_client.ts";
import { kinds, loginAs, ownProxy, sharedProxy, subject } from "./subjects.ts";

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let folder: string;

    beforeAll(async () => {
      ({ server } = await subject(kind));
      folder = mkdtempSync(join(tmpdir(), "mp-tls-"));
    });

    afterAll(() => rmSync(folder, { recursive: true }));

    /** The cipher of the server's leg; empty without TLS. */
    async function cipher(args: readonly string[], options: { tls: boolean }): Promise<string> {
      const proxy = await sharedProxy(server, args);
      using client = await loginAs(server.accounts.app, proxy, options);
      const [row] = await client.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
      return row![1]!;
    }

    async function error(args: readonly string[], before: RealServer = server): Promise<string> {
      await using proxy = await ownProxy(before, { args });
      return (await refusal(loginAs(before.accounts.app, proxy, { tls: true }))).text;
    }

    test("disabled: never, also for clients with TLS", async () => {
      const args = ["--backend-tls", "disabled"];
      expect(await cipher(args, { tls: false })).toBe("");
      expect(await cipher(args, { tls: true })).toBe("");
    });

    test("preferred: for clients that use TLS themselves", async () => {
      expect(await cipher([], { tls: false })).toBe("");
      expect(await cipher([], { tls: true })).not.toBe("");
    });

    test("required: for everyone, whatever the certificate", async () => {
      const args = ["--backend-tls", "required"];
      expect(await cipher(args, { tls: false })).not.toBe("");
      expect(await cipher(args, { tls: true })).not.toBe("");
    });

    test("verify-ca: only a certificate that the authority signed", async () => {
      const mode = ["--backend-tls", "verify-ca"];
      const right = [...mode, "--backend-tls-ca", server.certificateAuthority];
      expect(await cipher(right, { tls: false })).not.toBe("");
      const other = await selfSignedCertificate({ commonName: "other", days: 1 });
      const wrong = join(folder, "other-ca.pem");
      writeFileSync(wrong, other.cert);
      expect(await error([...mode, "--backend-tls-ca", wrong])).toMatch(
        /^2026 \(HY000\): SSL connection error: .*certificate/,
      );
      expect(await error(mode)).toMatch(/^2026 \(HY000\): SSL connection error: .*certificate/);
    });

    test("verify-identity: only a certificate for the name that was connected to", async () => {
      const mode = [
        "--backend-tls",
        "verify-identity",
        "--backend-tls-ca",
        server.certificateAuthority,
      ];
      if (kind === "mariadb") {
        // Its certificate has the address and localhost.
        expect(await cipher(mode, { tls: false })).not.toBe("");
        await using named = await startProxy({
          backends: [{ host: "localhost", port: server.port }],
          args: mode,
        });
        using client = await loginAs(server.accounts.app, named);
        expect(await client.value("SELECT 1")).toBe("1");
        await using alias = await startProxy({
          backends: [{ host: "127.0.0.2", port: server.port }],
          args: mode,
        });
        // Nobody listens there unless the server is bound to all addresses: either way no entry.
        const refused = await refusal(loginAs(server.accounts.app, alias));
        expect([2003, 1429, 2026]).toContain(refused.code);
      } else {
        // The certificate a MySQL server makes for itself names no host.
        expect(await error(mode)).toMatch(
          /^2026 \(HY000\): SSL connection error: .*(altname|identity|host|IP)/i,
        );
      }
    });

    test("a server without TLS: preferred goes without, required and above refuse", async () => {
      await using plain = await startServer(kind, { tls: false });
      const preferred = await ownProxy(plain);
      using client = await loginAs(plain.accounts.app, preferred, { tls: true });
      expect(await client.value("SELECT 1")).toBe("1");
      await preferred.stop();
      for (const mode of ["required", "verify-ca", "verify-identity"]) {
        expect(await error(["--backend-tls", mode], plain)).toBe(
          "2026 (HY000): SSL connection error: the server does not offer TLS",
        );
      }
    });

    test("a client certificate is shown to the server", async () => {
      const asked = kind === "mariadb"
        ? "VIA mysql_native_password USING PASSWORD('cert')"
        : "BY 'cert'";
      await server.sql("DROP USER IF EXISTS cert");
      await server.sql(`CREATE USER 'cert'@'%' IDENTIFIED ${asked} REQUIRE X509`);
      const cert = { user: "cert", password: "cert" };
      // A certificate of the server's own authority, as its folder has it.
      const { certificate, key } = await clientCertificate(server);
      const args = ["--backend-tls", "required"];
      const with_ = await sharedProxy(server, [
        ...args,
        "--backend-tls-cert",
        certificate,
        "--backend-tls-key",
        key,
      ]);
      using client = await loginAs(cert, with_, { tls: true });
      expect(await client.value("SELECT CURRENT_USER()")).toBe("cert@%");
      const without = await sharedProxy(server, args);
      const refused = await refusal(loginAs(cert, without, { tls: true }));
      expect(refused.code).toBe(1045);
    });

    test("a certificate that cannot be read ends the start with status 5", async () => {
      const missing = join(folder, "missing.pem");
      const started = ownProxy(server, {
        args: ["--backend-tls", "verify-ca", "--backend-tls-ca", missing],
      });
      const reason = await started.then(() => "started", (problem: Error) => problem.message);
      expect(reason).toContain("ended with 5");
      expect(reason).toContain(`Cannot read "${missing}": ENOENT`);
    });
  });
}

/** A certificate that the server's authority has signed. */
async function clientCertificate(
  server: RealServer,
): Promise<{ certificate: string; key: string }> {
  const { certificates } = await import("../servers/certificates.ts");
  if (server.kind === "mariadb") {
    const { certificate, key } = certificates();
    return { certificate, key };
  }
  const data = join(server.folder, "data");
  return { certificate: join(data, "client-cert.pem"), key: join(data, "client-key.pem") };
}
