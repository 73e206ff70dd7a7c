// Whole logins: the two sides of the proxy talk to each other, in every mode of every plugin, and
// each side is fed what a broken or hostile peer would send.

import { describe, expect, test } from "bun:test";
import {
  type Account,
  ClientLogin,
  type ClientLoginOptions,
  Credential,
  DEFAULT_POLICY,
  LearnedPasswords,
  type LoginStep,
  newSalt,
  RsaKey,
  Secret,
  ServerLogin,
} from "../../../mod/auth/mod.ts";
import { PASSWORDS, RECORDED_HASHES, recordedHash } from "./recorded_hashes.ts";

const rsaKey = new RsaKey();

function account(methods: Account["methods"], more: Partial<Account> = {}): Account {
  return {
    user: "u",
    host: "%",
    methods,
    locked: false,
    expired: false,
    require: { kind: "none" },
    userConnectionsMax: 0,
    ...more,
  };
}

function hashed(plugin: string, hash: string, more: Partial<Account> = {}): Account {
  return account([{ plugin, secrets: [Secret.hash(hash)] }], more);
}

function client(more: Partial<ClientLoginOptions> = {}): ClientLogin {
  return new ClientLogin({
    user: "u",
    address: { ip: "10.0.0.7" },
    policy: DEFAULT_POLICY,
    salt: newSalt(),
    secureTransport: true,
    ...(more.secureTransport === false ? {} : { tls: { cipher: "TLS_AES_128_GCM_SHA256" } }),
    pluginAuth: true,
    handlesExpiredPasswords: false,
    defaultPlugin: "caching_sha2_password",
    rsaKey,
    now: () => 0,
    ...more,
  });
}

interface Talk {
  readonly more?: Partial<ClientLoginOptions>;
  /** Plugin of the greeting and of the client. @default {"caching_sha2_password"} */
  readonly plugin?: string;
}

/** Lets a client with a credential log in; gives the last step and a word for each step before. */
async function logIn(
  credential: Credential,
  { more = {}, plugin = "caching_sha2_password" }: Talk,
): Promise<{ readonly last: LoginStep; readonly path: readonly string[] }> {
  const salt = newSalt();
  const login = client({ salt, ...more });
  const other = new ServerLogin(credential, { secureTransport: more.secureTransport ?? true });
  const initial = other.initial(plugin, salt);
  const path: string[] = [];
  let step = await login.start(initial.plugin, initial.answer);
  for (let round = 0; round < 10; round++) {
    if (step.kind === "accept" || step.kind === "reject") return { last: step, path };
    path.push(step.kind === "switch" ? step.plugin : `more:${step.data.length}`);
    const answer = step.kind === "switch"
      ? other.onAuthSwitch(step.plugin, step.data)
      : other.onMoreData(step.data);
    if (!("send" in answer)) throw new Error(`client stopped: ${JSON.stringify(answer)}`);
    step = await login.next(answer.send);
  }
  throw new Error("login without end");
}

function revealed(step: LoginStep): string | undefined {
  if (step.kind !== "accept") throw new Error(JSON.stringify(step));
  return step.credential && Buffer.from(step.credential.reveal()).toString("hex");
}

const denied = (usingPassword: "YES" | "NO") => ({
  kind: "reject" as const,
  error: {
    code: 1045,
    sqlState: "28000",
    message: `Access denied for user 'u'@'10.0.0.7' (using password: ${usingPassword})`,
  },
});

describe("ClientLogin and ServerLogin, stored hashes", () => {
  for (const secureTransport of [true, false]) {
    for (const { password, plugin, hash } of RECORDED_HASHES) {
      if (hash === "") continue;
      const form = hash.slice(0, 7).replace(/[^ -~]/g, "?");
      test(`${plugin} ${form}, ${secureTransport ? "secure" : "open"} transport`, async () => {
        const more = { account: hashed(plugin, hash), secureTransport };
        const { last } = await logIn(Credential.password(password), { more });
        const proof = revealed(last);
        if (plugin === "ed25519") expect(proof).toBeUndefined();
        else if (plugin === "mysql_native_password") expect(proof).toHaveLength(40);
        else expect(proof).toBe(Buffer.from(password).toString("hex"));

        const wrong = await logIn(Credential.password("wrong"), { more });
        expect(wrong.last).toEqual(denied("YES"));
      });
    }
  }

  test("no password against a hash, and a password against no hash", async () => {
    for (const { plugin, hash } of RECORDED_HASHES.filter((one) => one.plugin !== "ed25519")) {
      const more = { account: hashed(plugin, hash) };
      const none = await logIn(Credential.password(""), { more });
      const some = await logIn(Credential.password("some"), { more });
      if (hash !== "") expect(none.last).toEqual(denied("NO"));
      else expect(none.last).toMatchObject({ kind: "accept", verified: true });
      expect(some.last).toEqual(denied("YES"));
    }
  });

  test("an ed25519 account without a password lets nobody in, as at the server", async () => {
    const more = { account: hashed("ed25519", "") };
    expect((await logIn(Credential.password(""), { more })).last).toEqual(denied("YES"));
  });

  test("SHA1(password) from a native login logs in at the next server", async () => {
    const hash = recordedHash("secret", "mysql_native_password");
    const more = { account: hashed("mysql_native_password", hash) };
    const { last } = await logIn(Credential.password("secret"), { more });
    if (last.kind !== "accept" || !last.credential) throw new Error("not accepted");
    expect(last.credential.kind).toBe("native");
    const again = await logIn(last.credential, { more });
    expect(again.last.kind).toBe("accept");
    expect(again.path).toEqual([]);
  });

  test("either of two passwords of an account will do", async () => {
    const secrets = [
      Secret.hash(recordedHash("secret", "caching_sha2_password")),
      Secret.hash(recordedHash("utf8", "caching_sha2_password")),
    ];
    const more = { account: account([{ plugin: "caching_sha2_password", secrets }]) };
    for (const name of ["secret", "utf8"] as const) {
      const { last } = await logIn(Credential.password(PASSWORDS[name]), { more });
      expect(revealed(last)).toBe(PASSWORDS[name].toString("hex"));
    }
    const wrong = await logIn(Credential.password("x"), { more });
    expect(wrong.last).toEqual(denied("YES"));
  });

  test("MariaDB's accounts with several methods are tried in their order", async () => {
    const more = {
      account: account([
        { plugin: "unix_socket", secrets: [] },
        { plugin: "ed25519", secrets: [Secret.hash(recordedHash("secret", "ed25519"))] },
        {
          plugin: "mysql_native_password",
          secrets: [Secret.hash(recordedHash("utf8", "mysql_native_password"))],
        },
      ]),
    };
    const first = await logIn(Credential.password("secret"), { more });
    expect(first.path).toEqual(["client_ed25519"]);
    expect(first.last.kind).toBe("accept");
    const second = await logIn(Credential.password(PASSWORDS.utf8), { more });
    expect(second.path).toEqual(["client_ed25519", "mysql_native_password"]);
    expect(second.last.kind).toBe("accept");
    expect((await logIn(Credential.password("x"), { more })).last).toEqual(denied("YES"));
  });
});

describe("ClientLogin, caching_sha2_password", () => {
  const known = hashed("caching_sha2_password", recordedHash("secret", "caching_sha2_password"));

  test("the full path, then the fast path with what was learned", async () => {
    const learned = new LearnedPasswords({ lifetimeMs: 1000, entriesMax: 10, now: () => 0 });
    const full = await logIn(Credential.password("secret"), { more: { account: known } });
    expect(full.path).toEqual(["more:1"]);
    if (full.last.kind !== "accept" || !full.last.credential) throw new Error("not accepted");
    learned.learn("k", full.last.credential);

    const more = { account: known, secureTransport: false, learned: learned.get("k")! };
    const fast = await logIn(Credential.password("secret"), { more });
    expect(fast.path).toEqual([]);
    expect(fast.last).toMatchObject({ kind: "accept", preface: Uint8Array.of(3), verified: true });
    expect(revealed(fast.last)).toBe(PASSWORDS.secret.toString("hex"));

    const wrong = await logIn(Credential.password("wrong"), { more });
    expect(wrong.path[0]).toBe("more:1");
    expect(wrong.last).toEqual(denied("YES"));
  });

  test("over an open transport the password comes by RSA", async () => {
    const more = { account: known, secureTransport: false };
    const { last, path } = await logIn(Credential.password("secret"), { more });
    expect(path[0]).toBe("more:1");
    expect(path[1]).toMatch(/^more:4\d\d$/);
    expect(revealed(last)).toBe(PASSWORDS.secret.toString("hex"));
  });

  test("a clear password over an open transport is refused even if it is right", async () => {
    const login = client({ account: known, secureTransport: false });
    expect(await login.start("caching_sha2_password", new Uint8Array(32))).toEqual({
      kind: "more",
      data: Uint8Array.of(4),
    });
    expect(await login.next(Buffer.from("secret\0"))).toEqual(denied("YES"));
  });

  test("the public key is given once", async () => {
    const login = client({ account: known, secureTransport: false });
    await login.start("caching_sha2_password", new Uint8Array(32));
    expect((await login.next(Uint8Array.of(2))).kind).toBe("more");
    expect(await login.next(Uint8Array.of(2))).toEqual(denied("YES"));
    await expect(login.next(Uint8Array.of(2))).rejects.toThrow("Cannot continue the login");
  });

  test("answers of impossible lengths are refused", async () => {
    for (const length of [2, 19, 20, 31, 33, 70_000]) {
      const step = await client({ account: known }).start(
        "caching_sha2_password",
        Buffer.alloc(length, 65),
      );
      expect(step).toEqual(denied("YES"));
    }
  });

  test("a password without its terminator is refused", async () => {
    const login = client({ account: known });
    await login.start("caching_sha2_password", new Uint8Array(32));
    expect(await login.next(Buffer.from("secret"))).toEqual(denied("YES"));
  });
});

describe("ClientLogin, configured passwords", () => {
  const plain = account([{ plugin: undefined, secrets: [Secret.password("secret")] }]);

  test("the client's own plugin will do, without a switch where possible", async () => {
    const expected: readonly (readonly [string, readonly string[]])[] = [
      ["caching_sha2_password", []],
      ["mysql_native_password", []],
      ["sha256_password", []],
      ["client_ed25519", []],
    ];
    for (const [plugin, steps] of expected) {
      const { last, path } = await logIn(Credential.password("secret"), {
        more: { account: plain },
        plugin,
      });
      if (plugin !== "client_ed25519") expect(path).toEqual([...steps]);
      expect(revealed(last)).toBe(PASSWORDS.secret.toString("hex"));
    }
  });

  test("a client that starts with an unknown plugin is switched to the default one", async () => {
    const login = client({ account: plain });
    const step = await login.start("authentication_webauthn_client", Buffer.from("x"));
    expect(step).toMatchObject({ kind: "switch", plugin: "caching_sha2_password" });
    if (step.kind !== "switch") throw new Error("no switch");
    expect(step.data).toHaveLength(21);
    expect(step.data[20]).toBe(0);
  });

  test("an empty answer to another plugin's greeting is no empty password", async () => {
    // So does MySQL's client where it does not have the greeting's plugin.
    const login = client({ account: plain, defaultPlugin: "mysql_native_password" });
    const step = await login.start("caching_sha2_password", new Uint8Array(0));
    expect(step).toMatchObject({ kind: "switch", plugin: "caching_sha2_password" });
    if (step.kind !== "switch") throw new Error("no switch");
    const other = new ServerLogin(Credential.password("secret"), { secureTransport: true });
    const answer = other.onAuthSwitch(step.plugin, step.data);
    if (!("send" in answer)) throw new Error("nothing sent");
    expect((await login.next(answer.send)).kind).toBe("accept");

    const old = client({
      account: plain,
      defaultPlugin: "caching_sha2_password",
      pluginAuth: false,
    });
    expect(await old.start(undefined, new Uint8Array(0))).toEqual(denied("NO"));
  });

  test("an account with a plugin of its own has the client switched to it", async () => {
    for (
      const plugin of [
        "mysql_native_password",
        "sha256_password",
        "mysql_clear_password",
        "client_ed25519",
      ]
    ) {
      const more = { account: account([{ plugin, secrets: [Secret.password("secret")] }]) };
      const { last, path } = await logIn(Credential.password("secret"), { more });
      expect(path).toEqual([plugin]);
      expect(revealed(last)).toBe(PASSWORDS.secret.toString("hex"));
      const wrong = await logIn(Credential.password("wrong"), { more });
      expect(wrong.last).toEqual(denied("YES"));
    }
  });

  test("mysql_clear_password is refused over an open transport", async () => {
    const secrets = [Secret.password("secret")];
    const clear = account([{ plugin: "mysql_clear_password", secrets }]);
    const login = client({ account: clear, secureTransport: false });
    const step = await login.start("mysql_clear_password", Buffer.from("secret\0"));
    expect(step).toMatchObject({ kind: "reject", error: { code: 3159 } });
  });
});

describe("ClientLogin, whom it does not know", () => {
  test("an unknown user is refused after the same conversation as a known one", async () => {
    const known = hashed("caching_sha2_password", recordedHash("secret", "caching_sha2_password"));
    for (const secureTransport of [true, false]) {
      const wrong = { more: { account: known, secureTransport } };
      const unknown = { more: { secureTransport } };
      const credential = Credential.password("guess");
      const a = await logIn(credential, wrong);
      const b = await logIn(credential, unknown);
      expect(b).toEqual(a);
    }
    expect((await logIn(Credential.password(""), {})).last).toEqual(denied("NO"));
  });

  test("an unknown user is refused with every default plugin", async () => {
    for (
      const defaultPlugin of [
        "mysql_native_password",
        "sha256_password",
        "client_ed25519",
        "mysql_clear_password",
      ]
    ) {
      const { last } = await logIn(Credential.password("x"), { more: { defaultPlugin } });
      expect(last).toEqual(denied("YES"));
    }
  });

  test("provisional: the password comes out unverified, for the server to decide", async () => {
    for (const secureTransport of [true, false]) {
      const more = { provisional: true, secureTransport };
      const { last } = await logIn(Credential.password(PASSWORDS.utf8), { more });
      expect(last).toMatchObject({ kind: "accept", verified: false });
      expect(revealed(last)).toBe(PASSWORDS.utf8.toString("hex"));
      const none = await logIn(Credential.password(""), { more });
      expect(none.last).toMatchObject({ kind: "accept", verified: false });
      expect(revealed(none.last)).toBe("");
    }
  });

  test("provisional behind a native greeting: switched to a plugin that gives the password", async () => {
    const more = { provisional: true, defaultPlugin: "mysql_native_password" };
    const plugin = "mysql_native_password";
    const { last, path } = await logIn(Credential.password("secret"), { more, plugin });
    expect(path).toEqual(["caching_sha2_password", "more:1"]);
    expect(revealed(last)).toBe(PASSWORDS.secret.toString("hex"));
  });

  test("plugins that the proxy does not have are named", async () => {
    const socket = account([{ plugin: "auth_socket", secrets: [Secret.hash("")] }]);
    expect(await client({ account: socket }).start("mysql_native_password", Buffer.alloc(0)))
      .toEqual({
        kind: "reject",
        error: { code: 1524, sqlState: "HY000", message: "Plugin 'auth_socket' is not loaded" },
      });
  });

  test("a client that cannot be switched gets 1251", async () => {
    const known = hashed("caching_sha2_password", recordedHash("secret", "caching_sha2_password"));
    const login = client({ account: known, pluginAuth: false });
    expect(await login.start(undefined, Buffer.alloc(20)))
      .toMatchObject({ kind: "reject", error: { code: 1251, sqlState: "08004" } });
  });
});

describe("sha256_password over a unix socket", () => {
  const hash = recordedHash("secret", "sha256_password");
  const password = Credential.password("secret");
  const socket = {
    user: "u",
    address: { name: "localhost" },
    account: hashed("sha256_password", hash),
    policy: DEFAULT_POLICY,
    salt: newSalt(),
    secureTransport: true,
    pluginAuth: true,
    handlesExpiredPasswords: false,
    defaultPlugin: "sha256_password",
    rsaKey,
    now: () => 0,
  } satisfies ClientLoginOptions;

  test("goes by RSA, as MySQL 9.7 wants it, and not in clear", async () => {
    const login = new ClientLogin(socket);
    const other = new ServerLogin(password, { secureTransport: true, unixSocket: true });
    const initial = other.initial("sha256_password", socket.salt);
    expect(initial.answer).toEqual(Uint8Array.of(1));
    const key = await login.start(initial.plugin, initial.answer);
    if (key.kind !== "more") throw new Error("no public key");
    const sent = other.onMoreData(key.data);
    if (!("send" in sent)) throw new Error("nothing sent");
    expect(revealed(await login.next(sent.send))).toBe(PASSWORDS.secret.toString("hex"));

    const clear = await new ClientLogin(socket).start("sha256_password", Buffer.from("secret\0"));
    expect(clear).toMatchObject({ kind: "reject", error: { code: 1045 } });
  });
});

describe("ServerLogin", () => {
  const salt = Buffer.from("abcdefghij0123456789\0");

  test("SHA1(password) answers native and says why it cannot answer the others", () => {
    const login = new ServerLogin(Credential.nativeStage1(Buffer.alloc(20, 1)), {
      secureTransport: true,
    });
    expect(login.initial("caching_sha2_password", salt).plugin).toBe("mysql_native_password");
    expect(login.onAuthSwitch("caching_sha2_password", salt)).toEqual({
      fail: 'the server wants plugin "caching_sha2_password", which needs the password itself',
    });
    expect(login.onAuthSwitch("dialog", salt)).toEqual({
      fail: 'the server wants plugin "dialog", which the proxy does not have',
    });
  });

  test("a clear password never goes out unasked or over an open transport", () => {
    const open = new ServerLogin(Credential.password("secret"), { secureTransport: false });
    const initial = open.initial("mysql_clear_password", salt);
    expect(initial.plugin).toBe("mysql_native_password");
    expect(Buffer.from(initial.answer).includes("secret")).toBe(false);
    expect(open.onAuthSwitch("mysql_clear_password", new Uint8Array(0))).toHaveProperty("fail");
    const secure = new ServerLogin(Credential.password("secret"), { secureTransport: true });
    expect(secure.onAuthSwitch("mysql_clear_password", new Uint8Array(0))).toEqual({
      send: new Uint8Array(Buffer.from("secret\0")),
    });
  });

  test("without leave to ask for the public key it gives up instead", () => {
    const options = { secureTransport: false, publicKeyRetrieval: false };
    const login = new ServerLogin(Credential.password("secret"), options);
    login.initial("caching_sha2_password", salt);
    expect(login.onMoreData(Uint8Array.of(4))).toHaveProperty("fail");
    expect(login.onAuthSwitch("sha256_password", salt)).toHaveProperty("fail");
  });

  test("a key known beforehand is used without asking", async () => {
    const serverPublicKey = Buffer.from(await rsaKey.publicPem()).toString();
    const options = { secureTransport: false, publicKeyRetrieval: false, serverPublicKey };
    const login = new ServerLogin(Credential.password("secret"), options);
    login.initial("caching_sha2_password", salt);
    const step = login.onMoreData(Uint8Array.of(4));
    if (!("send" in step)) throw new Error("nothing sent");
    const password = await rsaKey.decryptPassword(step.send, salt);
    expect(Buffer.from(password!).toString()).toBe("secret");
  });

  test("fast success waits; nonsense and endless talk fail", () => {
    const login = new ServerLogin(Credential.password("secret"), { secureTransport: true });
    expect(login.onMoreData(Uint8Array.of(4))).toHaveProperty("fail");
    login.initial("caching_sha2_password", salt);
    expect(login.onMoreData(Uint8Array.of(3))).toEqual({ wait: true });
    expect(login.onMoreData(Uint8Array.of(9))).toHaveProperty("fail");
    expect(login.onAuthSwitch("client_ed25519", salt)).toHaveProperty("fail");
    for (let i = 0; i < 10; i++) login.onAuthSwitch("mysql_native_password", salt);
    expect(login.onAuthSwitch("mysql_native_password", salt)).toEqual({
      fail: "the server never ends the login",
    });
  });
});
