// Logins through the proxy: every plugin on every pair of transports, errors as the server words
// them, in each mode.

import { beforeAll, describe, expect, test } from "bun:test";
import { type Account, type RealServer, startServer } from "../servers/mod.ts";
import type { ProxyProcess } from "../proxy_process.ts";
import { Command, Expect, frame, PacketWriter } from "../../mod/wire/mod.ts";
import { type RawClient, type RawOptions, ServerError } from "./raw_client.ts";
import { kinds, loginAs, ownProxy, sharedProxy, subject, syncedProxy } from "./subjects.ts";

/** What a login comes to, as a user sees it. */
async function outcome(
  account: { readonly user: string; readonly password: string },
  target: { readonly port: number },
  options: Partial<RawOptions> = {},
): Promise<string> {
  try {
    using client = await loginAs(account, target, options);
    return `in as ${await client.value("SELECT CURRENT_USER()")}`;
  } catch (error) {
    if (error instanceof ServerError) return error.text;
    throw error;
  }
}

const legs = [
  { client: false, backend: "disabled" },
  { client: false, backend: "required" },
  { client: true, backend: "disabled" },
  { client: true, backend: "required" },
] as const;

function legArguments(backend: string): string[] {
  return ["--backend-tls", backend];
}

for (const kind of kinds) {
  const how = (password: string, plugin?: string) =>
    kind === "mariadb"
      ? `IDENTIFIED VIA ${plugin ?? "mysql_native_password"} USING PASSWORD('${password}')`
      : `IDENTIFIED WITH ${plugin ?? "caching_sha2_password"} BY '${password}'`;

  describe(`${kind}: plugins`, () => {
    let server: RealServer;

    beforeAll(async () => ({ server } = await subject(kind)));

    const accounts = (): Account[] =>
      Object.values(server.accounts).filter((account): account is Account => account !== undefined);

    for (const mode of ["relay", "synced"] as const) {
      for (const { client: tls, backend } of legs) {
        const name = `${mode}: client ${tls ? "TLS" : "plain"}, server TLS ${backend}`;
        test(name, async () => {
          const args = legArguments(backend);
          const proxy = mode === "relay"
            ? await sharedProxy(server, args)
            : await syncedProxy(server, args);
          for (const account of accounts()) {
            if (account.user === "tlsonly" && !(tls && backend === "required")) continue;
            if (kind === "mysql") await server.sql("FLUSH PRIVILEGES"); // the cache is cold
            for (const turn of ["full", "fast"]) {
              using client = await loginAs(account, proxy, { tls });
              const who = await client.value("SELECT CURRENT_USER()");
              expect([account.plugin, turn, who]).toEqual([
                account.plugin,
                turn,
                `${account.user}@%`,
              ]);
            }
            // MariaDB lets a wrong password on a reused connection wait for a second: one leg is enough.
            const waits = mode === "relay" && kind === "mariadb" && (tls || backend === "required");
            if (waits && account.user !== "app") continue;
            const wrong = { ...account, password: `${account.password}x` };
            const direct = await outcome(wrong, server, { tls });
            expect(await outcome(wrong, proxy, { tls })).toBe(direct);
            expect(direct).toStartWith("1045 (28000)");
            (await loginAs(account, proxy, { tls })).close(); // the address is in good standing again
          }
        });
      }
    }

    if (kind === "mysql") {
      test("caching_sha2_password takes the long way once and the short one then", async () => {
        await server.sql("FLUSH PRIVILEGES");
        const proxy = await sharedProxy(server);
        for (const tls of [true, false]) {
          await server.sql("FLUSH PRIVILEGES");
          using first = await loginAs(server.accounts.app, proxy, { tls });
          expect(first.fullAuthentication).toBe(true);
          using second = await loginAs(server.accounts.app, proxy, { tls });
          expect(second.fullAuthentication).toBe(false);
          expect(second.plugins.concat(["caching_sha2_password"])).toContain(
            "caching_sha2_password",
          );
        }
      });
    }

    test("REQUIRE SSL is about the client's own leg", async () => {
      const { tlsonly } = server.accounts;
      for (const proxy of [await sharedProxy(server), await syncedProxy(server)]) {
        expect(await outcome(tlsonly, proxy, { tls: true })).toBe("in as tlsonly@%");
        expect(await outcome(tlsonly, proxy)).toBe(await outcome(tlsonly, server));
      }
      const forced = await sharedProxy(server, ["--backend-tls", "required"]);
      expect(await outcome(server.accounts.app, forced)).toBe("in as app@%");
    });
  });

  for (const mode of ["relay", "synced"] as const) {
    describe(`${kind}, ${mode}: errors and rules`, () => {
      let server: RealServer;
      let proxy: ProxyProcess;

      beforeAll(async () => {
        ({ server } = await subject(kind));
        proxy = mode === "relay" ? await sharedProxy(server) : await syncedProxy(server);
      });

      /** Makes accounts through the proxy, so that all modes know of them at once. */
      async function sql(...statements: string[]): Promise<void> {
        using client = await loginAs(server.accounts.app, proxy);
        for (const statement of statements) await client.results(statement);
      }

      /** The same login direct and through the proxy. */
      async function expectSame(
        account: { user: string; password: string },
        options: Partial<RawOptions> = {},
      ): Promise<string> {
        const direct = await outcome(account, server, options);
        expect(await outcome(account, proxy, options)).toBe(direct);
        // A success keeps the proxy from slowing the tests down.
        (await loginAs(server.accounts.app, proxy)).close();
        return direct;
      }

      test("errors are the server's own", async () => {
        const { app, nopass } = server.accounts;
        await sql(
          "DROP USER IF EXISTS 'narrow'@'%'",
          `CREATE USER 'narrow'@'%' ${how("narrow")}`,
          "GRANT SELECT ON test.* TO 'narrow'@'%'",
        );
        const narrow = { user: "narrow", password: "narrow" };
        expect(await expectSame({ user: "app", password: "wrong" })).toStartWith("1045 (28000)");
        expect(await expectSame({ user: "app", password: "" })).toContain("using password: NO");
        expect(await expectSame({ user: "nobody", password: "x" })).toStartWith("1045 (28000)");
        expect(await expectSame({ user: "nobody", password: "" })).toStartWith("1045 (28000)");
        expect(await expectSame({ user: "", password: "x" })).toStartWith("1045 (28000)");
        expect(await expectSame({ ...nopass, password: "x" })).toStartWith("1045 (28000)");
        expect(await expectSame(app, { database: "no_such_db" })).toStartWith("1049 (42000)");
        expect(await expectSame(narrow, { database: "other" })).toStartWith("1044 (42000)");
        expect(await expectSame(narrow, { database: "test" })).toBe("in as narrow@%");
        expect(await expectSame({ user: "ünïcode", password: "x" })).toStartWith("1045 (28000)");
      });

      test("changes of accounts through the proxy count at once", async () => {
        await sql("DROP USER IF EXISTS 'changing'@'%'");
        const old = { user: "changing", password: "old" };
        const next = { user: "changing", password: "new" };
        expect(await outcome(old, proxy)).toStartWith("1045");
        await sql(`CREATE USER 'changing'@'%' ${how("old")}`);
        expect(await outcome(old, proxy)).toBe("in as changing@%");
        await sql(`ALTER USER 'changing'@'%' ${how("new")}`);
        expect(await outcome(next, proxy)).toBe("in as changing@%");
        expect(await outcome(old, proxy)).toStartWith("1045");
        await sql(
          kind === "mariadb"
            ? "SET PASSWORD FOR 'changing'@'%' = PASSWORD('third')"
            : "SET PASSWORD FOR 'changing'@'%' = 'third'",
        );
        expect(await outcome({ user: "changing", password: "third" }, proxy)).toBe(
          "in as changing@%",
        );
        await sql("RENAME USER 'changing'@'%' TO 'renamed'@'%'");
        expect(await outcome({ user: "renamed", password: "third" }, proxy)).toBe(
          "in as renamed@%",
        );
        await sql("DROP USER 'renamed'@'%'");
        expect(await outcome({ user: "renamed", password: "third" }, proxy)).toStartWith("1045");
      });

      test("an account made at the server itself can log in at once", async () => {
        await server.sql("DROP USER IF EXISTS 'direct'@'%'");
        await server.sql(`CREATE USER 'direct'@'%' ${how("direct")}`);
        expect(await outcome({ user: "direct", password: "direct" }, proxy)).toBe("in as direct@%");
        await server.sql("DROP USER 'direct'@'%'");
      });

      test("host masks", async () => {
        const masks = [
          "127.0.0.1",
          "127.0.0._",
          "127.%",
          "127.0.0.0/255.0.0.0",
          "10.%",
          "localhost",
        ];
        if (kind === "mysql") masks.push("127.0.0.0/8");
        for (const mask of masks) {
          await sql(
            "DROP USER IF EXISTS 'masked'@'%'",
            `CREATE USER 'masked'@'${mask}' ${how("m")}`,
          );
          await expectSame({ user: "masked", password: "m" });
          await sql(`DROP USER 'masked'@'${mask}'`);
        }
      });

      test("locked accounts", async () => {
        await sql(
          "DROP USER IF EXISTS 'locked'@'%'",
          `CREATE USER 'locked'@'%' ${how("locked")} ACCOUNT LOCK`,
        );
        const locked = { user: "locked", password: "locked" };
        expect(await expectSame(locked)).toMatch(/^(3118|4151) \(HY000\)/);
        await expectSame({ ...locked, password: "wrong" });
        await sql("ALTER USER 'locked'@'%' ACCOUNT UNLOCK");
        expect(await expectSame(locked)).toBe("in as locked@%");
      });

      test("expired passwords: a sandbox with 1820 until it is changed", async () => {
        await sql(
          "DROP USER IF EXISTS 'expired'@'%'",
          `CREATE USER 'expired'@'%' ${how("expired")} PASSWORD EXPIRE`,
        );
        const expired = { user: "expired", password: "expired" };
        for (const target of [server, proxy]) {
          using client = await loginAs(expired, target);
          expect((await client.errorOf("SELECT 1")).text).toStartWith("1820 (HY000)");
        }
        {
          using client = await loginAs(expired, proxy);
          await client.results(
            kind === "mariadb"
              ? "SET PASSWORD = PASSWORD('fresh')"
              : "ALTER USER USER() IDENTIFIED BY 'fresh'",
          );
          expect(await client.value("SELECT 1")).toBe("1");
        }
        expect(await expectSame({ user: "expired", password: "fresh" })).toBe("in as expired@%");
        await server.sql("DROP USER 'expired'@'%'");
      });

      test("REQUIRE X509 without a certificate", async () => {
        await sql(
          "DROP USER IF EXISTS 'x509'@'%'",
          `CREATE USER 'x509'@'%' ${how("x509")} REQUIRE X509`,
        );
        const account = { user: "x509", password: "x509" };
        expect(await expectSame(account, { tls: true })).toStartWith("1045");
        expect(await expectSame(account)).toStartWith("1045");
      });

      test("an anonymous account", async () => {
        await sql("DROP USER IF EXISTS ''@'%'", `CREATE USER ''@'%' ${how("anon")}`);
        try {
          expect(await expectSame({ user: "whoever", password: "anon" })).toBe("in as @%");
          expect(await expectSame({ user: "", password: "anon" })).toBe("in as @%");
          await expectSame({ user: "whoever", password: "wrong" });
        } finally {
          await sql("DROP USER ''@'%'");
        }
      });

      test("COM_CHANGE_USER: to others and back, and an error that the server words", async () => {
        const { app, second, nopass } = server.accounts;
        const change = async (
          client: RawClient,
          to: { user: string; password: string },
          database = "",
        ) => {
          const payload = new PacketWriter().u8(Command.CHANGE_USER).nulTerminated(
            Buffer.from(to.user),
          )
            .u8(0).nulTerminated(Buffer.from(database)).u16(45)
            .text("mysql_native_password").u8(0).done();
          return await client.changeUser(payload, to.password);
        };
        for (const tls of [false, true]) {
          using client = await loginAs(app, proxy, { tls });
          const id = client.greeting.threadId;
          await client.results("SET @mine = 1");
          await change(client, second, "test");
          expect(await client.query("SELECT CURRENT_USER(), DATABASE(), @mine")).toEqual([
            ["second@%", "test", null],
          ]);
          expect(await client.value("SELECT CONNECTION_ID()")).toBe(String(id));
          await change(client, nopass);
          expect(await client.value("SELECT CURRENT_USER()")).toBe("nopass@%");
          await change(client, app, "other");
          expect(await client.query("SELECT CURRENT_USER(), DATABASE()")).toEqual([[
            "app@%",
            "other",
          ]]);
          using direct = await loginAs(app, server, { tls });
          const texts = [];
          for (const each of [direct, client]) {
            texts.push(
              await change(each, { ...second, password: "wrong" }).then(
                () => "in",
                (error: ServerError) => error.text,
              ),
            );
          }
          expect(texts[0]).toStartWith("1045 (28000)");
          expect(texts[1]).toBe(texts[0]!);
        }
      });

      test("a command in one segment with the last answer of COM_CHANGE_USER", async () => {
        const { app, second } = server.accounts;
        for (const compression of [undefined, "zlib", "zstd"] as const) {
          using client = await loginAs(app, proxy, compression ? { compression } : {});
          const payload = new PacketWriter().u8(Command.CHANGE_USER)
            .nulTerminated(Buffer.from(second.user)).u8(0).u8(0).u16(45)
            .text("mysql_native_password").u8(0).done();
          await client.changeUser(payload, second.password, {
            behind: frame(client.queryPayload("SELECT CURRENT_USER(), CONNECTION_ID()"), 0),
          });
          const [result] = client.parse(await client.answer(Expect.RESULT));
          expect(result!.rows).toEqual([["second@%", String(client.greeting.threadId)]]);
        }
      });

      test("an answer to COM_CHANGE_USER that is too long ends in an error, not in a fault", async () => {
        const { app, second } = server.accounts;
        using client = await loginAs(app, proxy);
        const payload = new PacketWriter().u8(Command.CHANGE_USER)
          .nulTerminated(Buffer.from(second.user)).u8(0).u8(0).u16(45)
          .text("mysql_native_password").u8(0).done();
        client.sendBytes(Buffer.from(frame(payload, 0)));
        const asked = await client.packets.read();
        expect(asked.payload[0]).toBe(0xfe);
        client.sendBytes(Buffer.of(0, 0, 0x70, asked.sequence + 1, 1, 2, 3));
        const { payload: refused } = await client.packets.read();
        expect([refused[0], refused.readUInt16LE(1)]).toEqual([0xff, 1153]);
        await client.closed;
        expect(proxy.log()).not.toContain("internal fault");
      });

      test("commands sent right behind COM_CHANGE_USER wait for it", async () => {
        const { app, second } = server.accounts;
        using client = await loginAs(app, proxy);
        const payload = new PacketWriter().u8(Command.CHANGE_USER)
          .nulTerminated(Buffer.from(second.user)).u8(0).u8(0).u16(45)
          .text("mysql_native_password").u8(0).done();
        await client.changeUser(payload, second.password);
        client.sendBytes(Buffer.concat([
          Buffer.of(1, 0, 0, 0, Command.PING),
          Buffer.of(1, 0, 0, 0, 0x2a),
          Buffer.of(1, 0, 0, 0, Command.PING),
        ]));
        const codes = [];
        for (let i = 0; i < 3; i++) codes.push(client.errorCode(await client.answer(Expect.OK)));
        expect(codes).toEqual([0, 1047, 0]);
      });
    });
  }

  describe(`${kind}: learned and static`, () => {
    let server: RealServer;

    beforeAll(async () => ({ server } = await subject(kind)));

    test("learned: the password is proved at the server, kept, and dropped on 1045", async () => {
      const proxy = await sharedProxy(server, ["--auth", "learned"]);
      expect(proxy.log()).toContain("mode=learned");
      await server.sql("DROP USER IF EXISTS 'learner'@'%'");
      await server.sql(`CREATE USER 'learner'@'%' ${how("first")}`);
      const learner = { user: "learner", password: "first" };
      for (const tls of [false, true]) {
        expect(await outcome(learner, proxy, { tls })).toBe("in as learner@%");
        expect(await outcome(learner, proxy, { tls })).toBe("in as learner@%");
        expect(await outcome({ ...learner, password: "wrong" }, proxy, { tls })).toBe(
          await outcome({ ...learner, password: "wrong" }, server, { tls }),
        );
      }
      await server.sql(`ALTER USER 'learner'@'%' ${how("second")}`);
      expect(await outcome(learner, proxy)).toStartWith("1045");
      expect(await outcome({ ...learner, password: "second" }, proxy)).toBe("in as learner@%");
      for (const account of [server.accounts.app, server.accounts.nopass]) {
        expect(await outcome(account, proxy)).toBe(`in as ${account.user}@%`);
      }
    });

    test("static: the file's users and nobody else, by password or hash", async () => {
      const [{ hash }] = kind === "mariadb"
        ? await server.sql("SELECT PASSWORD('second') AS hash") as { hash: string }[]
        : [{ hash: "" }];
      const { app, second, nopass } = server.accounts;
      const user = (name: string, more: string) => `[[user]]\nname = "${name}"\n${more}\n`;
      await using proxy = await ownProxy(server, {
        config: user("app", `password = "${app.password}"`) +
          user("nopass", 'password = ""') +
          (kind === "mariadb"
            ? user("second", `hash = "${hash}"\nplugin = "mysql_native_password"`)
            : user("second", `password = "second"\nplugin = "mysql_native_password"`)) +
          user("tlsonly", 'password = "tlsonly"\nrequire = "ssl"') +
          user("elsewhere", 'password = "x"\nhost = "10.%"'),
      });
      expect(proxy.log()).toContain("mode=static");
      for (const tls of [false, true]) {
        for (const account of [app, second, nopass]) {
          expect(await outcome(account, proxy, { tls })).toBe(`in as ${account.user}@%`);
        }
      }
      expect(await outcome(server.accounts.tlsonly, proxy, { tls: true })).toBe("in as tlsonly@%");
      expect(await outcome(server.accounts.tlsonly, proxy)).toStartWith("1045 (28000)");
      for (const user of ["elsewhere", "monitor", "nobody"]) {
        expect(await outcome({ user, password: "x" }, proxy)).toBe(
          // Names count unless the server's settings are known to say otherwise.
          `1045 (28000): Access denied for user '${user}'@'localhost' (using password: YES)`,
        );
      }
    });

    test("no password is ever logged", async () => {
      const secret = "Passw0rd-that-is-secret";
      await server.sql("DROP USER IF EXISTS 'quiet'@'%'");
      await server.sql(`CREATE USER 'quiet'@'%' ${how(secret)}`);
      const { user, password } = server.accounts.monitor;
      await using proxy = await ownProxy(server, {
        args: ["--log-level", "debug", "-u", user],
        env: { MYSQLPROXY_PASSWORD: password },
        config: `[[user]]\nname = "other"\npassword = "another-${secret}"\n`,
      });
      for (const wrong of ["", "x"]) {
        await outcome({ user: "quiet", password: secret + wrong }, proxy, { tls: true });
        await outcome({ user: "quiet", password: secret + wrong }, proxy);
      }
      expect(proxy.log()).not.toContain(secret);
    });

    test("an own account that may not read falls back to relay and says so", async () => {
      await server.sql("DROP USER IF EXISTS 'blind'@'%'");
      await server.sql(`CREATE USER 'blind'@'%' ${how("blind")}`);
      await using proxy = await ownProxy(server, { args: ["-u", "blind", "-p", "blind"] });
      expect(await outcome(server.accounts.app, proxy)).toBe("in as app@%");
      expect(proxy.log()).toContain("mode=relay");
    });
  });
}

if (kinds.includes("mariadb")) {
  test("mysql_clear_password is carried where both legs are encrypted, and nowhere else", async () => {
    await using server = await startServer("mariadb", {
      extraConfig: ["plugin_load_add = auth_pam", "pam_use_cleartext_plugin = ON"],
    });
    await server.sql("CREATE USER clear@'%' IDENTIFIED VIA pam");
    // No password is right: the machine knows no such user.
    const clear = { user: "clear", password: "clear" };
    const direct = await outcome(clear, server, { tls: true });
    expect(direct).toStartWith("1045 (28000)");
    await using proxy = await ownProxy(server);
    expect(await outcome(clear, proxy, { tls: true })).toBe(direct);
    const refused = "2061 (HY000): Authentication plugin 'mysql_clear_password' reported error: " +
      "it needs encrypted connections from the client to the server";
    expect(await outcome(clear, proxy)).toBe(refused);
    await using plain = await ownProxy(server, { args: ["--backend-tls", "disabled"] });
    expect(await outcome(clear, plain, { tls: true })).toBe(refused);
  });
}
