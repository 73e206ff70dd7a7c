// What the proxy knows of passwords and for how long, where accounts come from, and who is slowed.

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  AccountSync,
  certificateFingerprint,
  certificateProof,
  chooseMode,
  clientAddress,
  Credential,
  CredentialStore,
  FailureThrottle,
  LearnedPasswords,
  packSnapshot,
  staticAccounts,
  type StaticUser,
  type SyncOutcome,
  unpackSnapshot,
} from "../../../mod/auth/mod.ts";
import {
  accountFromGlobalPriv,
  accountFromMysql,
  accountFromOldMariadb,
} from "../../../mod/auth/account_rows.ts";
import { recordedHash } from "./recorded_hashes.ts";

describe("LearnedPasswords", () => {
  test("keeps a password for its lifetime after the last acceptance", () => {
    let now = 0;
    const learned = new LearnedPasswords({ lifetimeMs: 100, entriesMax: 5, now: () => now });
    const credential = Credential.password("secret");
    learned.learn("a", credential);
    now = 99;
    expect(learned.get("a")?.credential).toBe(credential);
    learned.learn("a", credential);
    now = 198;
    expect(learned.get("a")).toBeDefined();
    now = 199;
    expect(learned.get("a")).toBeUndefined();
    expect(learned.size).toBe(0);
  });

  test("is bounded, and forgets the one accepted longest ago first", () => {
    const learned = new LearnedPasswords({ lifetimeMs: 100, entriesMax: 2, now: () => 0 });
    for (const key of ["a", "b", "a", "c"]) learned.learn(key, Credential.password(key));
    expect(learned.size).toBe(2);
    expect(learned.get("b")).toBeUndefined();
    expect(learned.get("a")).toBeDefined();
    learned.drop("a");
    expect(learned.get("a")).toBeUndefined();
    learned.clear();
    expect(learned.size).toBe(0);
  });

  test("expire() forgets exactly what is over", () => {
    let now = 0;
    const learned = new LearnedPasswords({ lifetimeMs: 100, entriesMax: 5, now: () => now });
    learned.learn("a", Credential.password("x"));
    now = 50;
    learned.learn("b", Credential.password("x"));
    now = 120;
    learned.expire();
    expect(learned.size).toBe(1);
    expect(learned.get("b")).toBeDefined();
  });

  test("empty passwords and SHA-1 stages are not worth keeping", () => {
    const learned = new LearnedPasswords({ lifetimeMs: 100, entriesMax: 5, now: () => 0 });
    learned.learn("a", Credential.password(""));
    learned.learn("b", Credential.nativeStage1(new Uint8Array(20)));
    expect(learned.size).toBe(0);
  });
});

describe("chooseMode()", () => {
  const nothing = { configured: "auto", users: 0, hasAccount: false } as const;

  test("auto: static, synced or relay, with the reason", () => {
    expect(chooseMode(nothing).mode).toBe("relay");
    expect(chooseMode({ ...nothing, users: 2 })).toEqual({
      mode: "static",
      reason: "the configuration has 2 user(s)",
    });
    expect(chooseMode({ ...nothing, hasAccount: true })).toEqual({
      mode: "relay",
      reason: "the server's accounts have not been read yet",
      isProvisional: true,
    });
    expect(chooseMode({ ...nothing, hasAccount: true, readable: true }).mode).toBe("synced");
    expect(chooseMode({ ...nothing, hasAccount: true, readable: "no SELECT" })).toEqual({
      mode: "relay",
      reason: "no SELECT",
      isProvisional: false,
    });
  });

  test("a configured mode stays, but synced needs readable accounts", () => {
    expect(chooseMode({ ...nothing, configured: "learned" }).mode).toBe("learned");
    expect(chooseMode({ ...nothing, configured: "relay", users: 3 }).mode).toBe("relay");
    const synced = { ...nothing, configured: "synced", hasAccount: true } as const;
    expect(chooseMode({ ...synced, readable: true }).mode).toBe("synced");
    expect(chooseMode({ ...synced, readable: "no" }).mode).toBe("relay");
  });
});

describe("CredentialStore and staticAccounts()", () => {
  const user = (more: Partial<StaticUser>): StaticUser => ({
    name: "app",
    host: "%",
    secret: { kind: "password", password: "secret" },
    require: "none",
    ...more,
  });
  const address = clientAddress("10.0.0.1", { resolvesNames: true });
  const newStore = (): CredentialStore => {
    const learned = new LearnedPasswords({ lifetimeMs: 100, entriesMax: 5, now: () => 0 });
    return new CredentialStore({ mode: "static", reason: "r" }, learned);
  };

  test("users of the configuration become accounts; a bad hash is named, not shown", () => {
    const hash = recordedHash("secret", "mysql_native_password");
    const { snapshot, problems } = staticAccounts([
      user({}),
      user({ name: "b", secret: { kind: "hash", hash }, plugin: "caching_sha2_password" }),
      user({ name: "c", secret: { kind: "hash", hash: "nonsense" }, require: "ssl" }),
    ], { revision: 1 });
    expect(problems).toEqual([
      'Cannot use the hash of user "c"@"%": its form is not known',
    ]);
    expect(snapshot.table.find("app", address)?.methods[0]?.plugin).toBeUndefined();
    expect(snapshot.table.find("b", address)?.methods[0]?.plugin).toBe("mysql_native_password");
    expect(snapshot.table.find("c", address)).toBeUndefined();
  });

  test("takes newer snapshots only, and finds what was learned for the account", () => {
    const store = newStore();
    expect(store.lookUp("app", address)).toEqual({
      account: undefined,
      key: "app",
      learned: undefined,
    });
    const second = staticAccounts([user({})], { revision: 2 }).snapshot;
    expect(store.setSnapshot(second)).toBe(true);
    expect(store.setSnapshot(staticAccounts([], { revision: 1 }).snapshot)).toBe(false);
    const known = store.lookUp("app", address);
    expect(known.account?.host).toBe("%");
    store.learned.learn(known.key, Credential.password("secret"));
    expect(store.lookUp("app", address).learned).toBeDefined();
    expect(store.setMode({ mode: "static", reason: "other" })).toBe(false);
    expect(store.setMode({ mode: "relay", reason: "x" })).toBe(true);
    expect([store.mode, store.reason]).toEqual(["relay", "x"]);
    // Of the same mode, but for good: others are to be told.
    expect(store.setMode({ mode: "relay", reason: "x", isProvisional: true })).toBe(true);
    expect(store.setMode({ mode: "relay", reason: "denied" })).toBe(true);
    expect(store.isProvisional).toBe(false);
  });

  test("what was learned is not found any more when the hash has changed", () => {
    const store = newStore();
    const hashes = ["secret", "utf8"] as const;
    const [before, after] = hashes.map((name, i) => {
      const hash = recordedHash(name, "caching_sha2_password");
      return staticAccounts([user({ secret: { kind: "hash", hash } })], { revision: i }).snapshot;
    });
    store.setSnapshot(before!);
    store.learned.learn(store.lookUp("app", address).key, Credential.password("secret"));
    expect(store.lookUp("app", address).learned).toBeDefined();
    store.setSnapshot(after!);
    expect(store.lookUp("app", address).learned).toBeUndefined();
  });

  test("a snapshot survives the way to another process, secrets and all", () => {
    const hash = recordedHash("utf8", "caching_sha2_password");
    const users = [user({}), user({ name: "b", secret: { kind: "hash", hash } })];
    const { snapshot } = staticAccounts(users, { revision: 7 });
    const sent: unknown = structuredClone(packSnapshot(snapshot));
    const received = unpackSnapshot(JSON.parse(JSON.stringify(sent)));
    expect(received.revision).toBe(7);
    expect(received.policy).toEqual(snapshot.policy);
    const [a, b] = received.table.accounts.map((one) => one.methods[0]!.secrets[0]!);
    expect(Buffer.from(a!.credential!.reveal()).toString()).toBe("secret");
    expect(received.table.accounts[0]?.methods[0]?.plugin).toBeUndefined();
    expect(b!.hash).toBe(hash);
  });
});

describe("account rows", () => {
  // Rows as MySQL 9.7.4 and MariaDB 10.11.19 gave them for CREATE USER statements.
  const mysqlRow = {
    host: "%",
    user: "rsp",
    ssl_type: "SPECIFIED",
    ssl_cipher: Buffer.from("C"),
    x509_issuer: Buffer.from("/CN=b"),
    x509_subject: Buffer.from("/CN=a"),
    max_user_connections: 7,
    plugin: "caching_sha2_password",
    authentication_string: "$A$00A$...",
    password_expired: "N",
    password_lifetime: 3,
    password_changed_s: 1795178980,
    account_locked: "Y",
    user_attributes: { additional_password: "$A$00A$W..." },
  };

  test("MySQL's mysql.user", () => {
    const account = accountFromMysql(mysqlRow);
    expect(account).toMatchObject({
      user: "rsp",
      host: "%",
      locked: true,
      expired: false,
      passwordChangedMs: 1_795_178_980_000,
      passwordLifetimeDays: 3,
      userConnectionsMax: 7,
      require: { kind: "specified", subject: "/CN=a", issuer: "/CN=b", cipher: "C" },
    });
    expect(account.methods[0]?.plugin).toBe("caching_sha2_password");
    expect(account.methods[0]?.secrets.map((one) => one.hash)).toEqual([
      "$A$00A$...",
      "$A$00A$W...",
    ]);
  });

  test("a second factor makes a MySQL account one that cannot be proved here", () => {
    const factors = { multi_factor_authentication: [{ plugin: "authentication_webauthn" }] };
    const account = accountFromMysql({ ...mysqlRow, user_attributes: JSON.stringify(factors) });
    expect(account.methods[0]?.plugin).toBe("multi_factor_authentication");
  });

  test("MariaDB's global_priv", () => {
    const priv = (json: string) => accountFromGlobalPriv({ host: "%", user: "u", priv: json });
    expect(priv('{"access":0,"version_id":101119,"is_role":true}')).toBeUndefined();
    expect(priv("not json")).toBeUndefined();
    const old = priv('{"access":18446744073709551615}');
    expect(old?.methods[0]?.plugin).toBe("");
    expect(old?.methods[0]?.secrets[0]?.isEmpty).toBe(true);
    const many = priv(
      '{"access":0,"plugin":"mysql_native_password","authentication_string":"*E8",' +
        '"auth_or":[{"plugin":"ed25519","authentication_string":"Zg9"},{}],' +
        '"password_last_changed":1795178980}',
    );
    expect(many?.methods.map((one) => one.plugin)).toEqual(["ed25519", "mysql_native_password"]);
    expect(many?.methods.map((one) => one.secrets[0]?.hash)).toEqual(["Zg9", "*E8"]);
    const rules = priv(
      '{"access":0,"plugin":"mysql_native_password","authentication_string":"*B6",' +
        '"ssl_type":3,"ssl_cipher":"C","x509_issuer":"/CN=b","x509_subject":"/CN=a",' +
        '"account_locked":true,"password_last_changed":0,"password_lifetime":-1,' +
        '"max_user_connections":-1}',
    );
    expect(rules).toMatchObject({
      locked: true,
      expired: true,
      userConnectionsMax: -1,
      require: { kind: "specified", subject: "/CN=a", issuer: "/CN=b", cipher: "C" },
    });
    expect(rules?.passwordLifetimeDays).toBeUndefined();
    expect(priv('{"ssl_type":1}')?.require).toEqual({ kind: "ssl" });
    expect(priv('{"ssl_type":2}')?.require).toEqual({ kind: "x509" });
    expect(priv('{"password_last_changed":5,"password_lifetime":0}')).toMatchObject({
      expired: false,
      passwordChangedMs: 5000,
      passwordLifetimeDays: 0,
    });
  });

  test("MariaDB's mysql.user before 10.4", () => {
    const row = { user: "u", host: "%", password: "*AB", plugin: "", authentication_string: "" };
    expect(accountFromOldMariadb(row)?.methods[0]?.secrets[0]?.hash).toBe("*AB");
    expect(accountFromOldMariadb({ ...row, is_role: "Y" })).toBeUndefined();
  });
});

describe("AccountSync", () => {
  test("a server that is not there is unreachable; calls during a reading share the next", async () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = listener;
    listener.stop(true);
    const outcomes: SyncOutcome[] = [];
    const sync = new AccountSync({
      endpoint: () => ({
        user: "proxy",
        credential: Credential.password("hunter2"),
        host: "127.0.0.1",
        port,
      }),
      intervalMs: 3_600_000,
      timeoutMs: 2000,
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    const first = sync.start();
    const second = sync.refreshNow();
    const third = sync.refreshNow();
    expect(third).toBe(second);
    expect(await first).toMatchObject({ kind: "unreachable" });
    expect(await second).toMatchObject({ kind: "unreachable" });
    expect(outcomes).toHaveLength(2);
    expect(JSON.stringify(outcomes)).not.toContain("hunter2");
    expect(sync.snapshot).toBeUndefined();
    sync.stop();
  });
});

describe("FailureThrottle", () => {
  const limits = {
    failuresMax: 4,
    failuresFree: 0,
    windowMs: 60_000,
    delayMs: 100,
    addressesMax: 3,
  };

  test("each failure makes the next login slower, too many get refused, time heals", () => {
    let now = 0;
    const throttle = new FailureThrottle({ ...limits, now: () => now });
    expect(throttle.check("10.0.0.1")).toEqual({ kind: "go" });
    for (const delayMs of [100, 200, 400]) {
      throttle.failed("10.0.0.1");
      expect(throttle.check("10.0.0.1")).toEqual({ kind: "delay", delayMs });
      expect(throttle.check("10.0.0.2")).toEqual({ kind: "go" });
    }
    throttle.failed("10.0.0.1");
    now = 59_000;
    expect(throttle.check("10.0.0.1")).toEqual({
      kind: "refuse",
      error: {
        code: 1129,
        sqlState: "HY000",
        message: "Host '10.0.0.1' is blocked because of many connection errors; try again in 1 s",
      },
    });
    now = 60_000;
    expect(throttle.check("10.0.0.1")).toEqual({ kind: "go" });
    throttle.failed("10.0.0.1");
    expect(throttle.check("10.0.0.1")).toEqual({ kind: "delay", delayMs: 100 });
    throttle.succeeded("10.0.0.1");
    expect(throttle.check("10.0.0.1")).toEqual({ kind: "go" });
  });

  test("delays have a ceiling; 0 turns either part off", () => {
    const now = (): number => 0;
    const slow = new FailureThrottle({ ...limits, failuresMax: 0, delayMsMax: 300, now });
    for (let i = 0; i < 2000; i++) slow.failed("10.0.0.1");
    expect(slow.check("10.0.0.1")).toEqual({ kind: "delay", delayMs: 300 });
    const quick = new FailureThrottle({ ...limits, delayMs: 0, now });
    quick.failed("10.0.0.1");
    expect(quick.check("10.0.0.1")).toEqual({ kind: "go" });
  });

  test("the table is bounded and forgets the quietest address", () => {
    let now = 0;
    const throttle = new FailureThrottle({ ...limits, now: () => now++ });
    for (const ip of ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1", "10.0.0.4"]) {
      throttle.failed(ip);
    }
    expect(throttle.size).toBe(3);
    expect(throttle.check("10.0.0.2")).toEqual({ kind: "go" });
    expect(throttle.check("10.0.0.1")).toEqual({ kind: "delay", delayMs: 200 });
    now = 200_000;
    throttle.expire();
    expect(throttle.size).toBe(0);
  });

  test("an IPv6 network of 64 bits counts as one address; a unix socket never counts", () => {
    const throttle = new FailureThrottle({ ...limits, now: () => 0 });
    throttle.failed("2001:db8:0:1::1");
    expect(throttle.check("2001:db8::1:ffff:2:3:4")).toMatchObject({ kind: "delay" });
    expect(throttle.check("2001:db8:0:2::1")).toEqual({ kind: "go" });
    throttle.failed(undefined);
    expect(throttle.check(undefined)).toEqual({ kind: "go" });
    expect(throttle.size).toBe(1);
  });
});

describe("certificateProof()", () => {
  test("is what a client computes from its password, the salt and the certificate", () => {
    const der = Buffer.from("a certificate");
    const salt = Buffer.from("abcdefghij0123456789");
    const stage2 = Buffer.from(recordedHash("secret", "mysql_native_password").slice(1), "hex");
    const info = certificateProof({
      proofKey: stage2,
      salt,
      fingerprint: certificateFingerprint(der),
    });
    // The client's side, from the password on.
    const sha1 = (data: string | Buffer): Buffer => createHash("sha1").update(data).digest();
    const expected = createHash("sha256").update(sha1(sha1("secret"))).update(salt)
      .update(createHash("sha256").update(der).digest()).digest("hex");
    expect(info[0]).toBe(1);
    expect(Buffer.from(info.subarray(1)).toString("latin1").toLowerCase()).toBe(expected);
    expect(info).toHaveLength(65);
  });
});
