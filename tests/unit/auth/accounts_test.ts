// Which account a client gets, and what its rules say. The orders were observed at real servers by
// logging in, noting CURRENT_USER() and dropping that account, until none was left.

import { describe, expect, test } from "bun:test";
import {
  type Account,
  accountKey,
  AccountTable,
  checkAccountRules,
  clientAddress,
  Credential,
  DEFAULT_POLICY,
  type Flavor,
  mustResetPassword,
  parseHostMask,
  type Requirement,
  type RuleFacts,
  Secret,
  shownHost,
  yieldsCredential,
} from "../../../mod/auth/mod.ts";

function account(user: string, host: string, more: Partial<Account> = {}): Account {
  return {
    user,
    host,
    methods: [{ plugin: "mysql_native_password", secrets: [Secret.hash("")] }],
    locked: false,
    expired: false,
    require: { kind: "none" },
    userConnectionsMax: 0,
    ...more,
  };
}

/** The accounts that a client would get one after the other if each was dropped after its login. */
function order(accounts: readonly Account[], flavor: Flavor): readonly string[] {
  const address = clientAddress("127.0.0.1", { resolvesNames: false });
  const found: string[] = [];
  let left = accounts;
  while (true) {
    const account = new AccountTable(left, flavor).find("ord", address);
    if (account === undefined) return found;
    found.push(`${account.user}@${account.host}`);
    left = left.filter((other) => other !== account);
  }
}

describe("AccountTable.find()", () => {
  test("tries accounts in MySQL's order", () => {
    const hosts = ["%", "", "127.%", "127.0.0.%", "127.0.0.0/8", "127.0.0.0/24"];
    const more = ["127.0.0.0/255.0.0.0", "127.0.0.0/255.255.255.0", "127.0.0.1", "1%"];
    const accounts = [
      ...[...hosts, ...more].map((host) => account("ord", host)),
      account("", "127.0.0.1"),
      account("", "127.0.0.%"),
      account("", "127.0.0.0/255.255.255.0"),
    ];
    expect(order(accounts, "mysql")).toEqual([
      "ord@127.0.0.1",
      "@127.0.0.1",
      "ord@127.0.0.0/24",
      "ord@127.0.0.0/8",
      "ord@127.0.0.0/255.255.255.0",
      "@127.0.0.0/255.255.255.0",
      "ord@127.0.0.0/255.0.0.0",
      "ord@127.0.0.%",
      "@127.0.0.%",
      "ord@127.%",
      "ord@1%",
      "ord@%",
      "ord@",
    ]);
    expect(order(accounts.toReversed(), "mysql")).toEqual(order(accounts, "mysql"));
  });

  test("tries accounts in MariaDB's order, which has no CIDR", () => {
    const accounts = [
      account("", "127.0.0._"),
      account("ord", "127.0.0.0/8"),
      ...["%", "1%", "127.0.0.1", "127.0.0.0/255.255.255.0", "127.0.0.0/255.0.0.0"]
        .map((host) => account("ord", host)),
      ...["127.0.0._", "127.0.0.%", "127.%"].map((host) => account("ord", host)),
      ...["127.0.0.1", "127.0.0.%", "127.0.0.0/255.255.255.0"].map((host) => account("", host)),
    ];
    const expected = [
      "ord@127.0.0.1",
      "ord@127.0.0.0/255.255.255.0",
      "ord@127.0.0.0/255.0.0.0",
      "@127.0.0.1",
      "@127.0.0.0/255.255.255.0",
      "ord@127.0.0._",
      "@127.0.0._",
      "ord@127.0.0.%",
      "@127.0.0.%",
      "ord@127.%",
      "ord@1%",
      "ord@%",
    ];
    expect(order(accounts, "mariadb")).toEqual(expected);
    expect(order(accounts.toReversed(), "mariadb")).toEqual(expected);
  });

  test("user names are told apart by case and never matched as patterns", () => {
    const table = new AccountTable([account("app", "%"), account("a%", "%")], "mysql");
    const address = clientAddress("10.0.0.1", { resolvesNames: true });
    expect(table.find("app", address)?.user).toBe("app");
    expect(table.find("App", address)).toBeUndefined();
    expect(table.find("abc", address)).toBeUndefined();
    expect(table.find("", address)).toBeUndefined();
  });

  test("an anonymous account with the better host hides a named one", () => {
    const table = new AccountTable([account("app", "%"), account("", "localhost")], "mysql");
    const socket = clientAddress(undefined, { resolvesNames: true });
    expect(table.find("app", socket)?.user).toBe("");
    expect(table.find("other", socket)?.user).toBe("");
  });
});

describe("parseHostMask()", () => {
  const matches = (mask: string, ip: string | undefined, name?: string): boolean => {
    const options = { resolvesNames: true, ...(name === undefined ? {} : { name }) };
    return parseHostMask(mask).matches(clientAddress(ip, options));
  };

  test("networks, as MySQL 9.7 takes them", () => {
    expect(matches("127.0.0.0/8", "127.0.0.1")).toBe(true);
    expect(matches("127.0.0.0/31", "127.0.0.1")).toBe(true);
    expect(matches("127.0.0.1/32", "127.0.0.1")).toBe(true);
    expect(matches("127.0.0.0/255.0.0.0", "127.0.0.1")).toBe(true);
    expect(matches("10.1.0.0/16", "10.1.255.255")).toBe(true);
    expect(matches("10.1.0.0/16", "10.2.0.0")).toBe(false);
    expect(matches("200.0.0.0/255.0.0.0", "200.1.2.3")).toBe(true);
    // Host bits that the mask would clear, and no network at all.
    expect(matches("127.0.0.1/8", "127.0.0.1")).toBe(false);
    expect(matches("127.0.0.1/255.0.0.0", "127.0.0.1")).toBe(false);
    expect(matches("0.0.0.0/0", "127.0.0.1")).toBe(false);
    expect(matches("127.0.0.0/33", "127.0.0.1")).toBe(false);
    expect(matches("127.0.0.0/8", undefined)).toBe(false);
    expect(matches("127.0.0.0/8", "::1")).toBe(false);
  });

  test("CIDR is a name like any other for MariaDB", () => {
    const client = clientAddress("127.0.0.1", { resolvesNames: false });
    expect(parseHostMask("127.0.0.0/8", "mariadb").matches(client)).toBe(false);
    expect(parseHostMask("127.0.0.0/255.0.0.0", "mariadb").matches(client)).toBe(true);
  });

  test("patterns on names and addresses, regardless of case, with escapes", () => {
    expect(matches("%", "10.0.0.1")).toBe(true);
    expect(matches("", undefined)).toBe(true);
    expect(matches("10.0.0._", "10.0.0.1")).toBe(true);
    expect(matches("10.0.0._", "10.0.0.12")).toBe(false);
    expect(matches("%.example.com", "10.0.0.1", "db.EXAMPLE.com")).toBe(true);
    expect(matches("%.example.com", "10.0.0.1", "example.com")).toBe(false);
    expect(matches("a\\_b", "10.0.0.1", "a_b")).toBe(true);
    expect(matches("a\\_b", "10.0.0.1", "axb")).toBe(false);
    expect(matches("a\\_%", "10.0.0.1", "a_xyz")).toBe(true);
    expect(matches("a\\_%", "10.0.0.1", "ab_xyz")).toBe(false);
    expect(matches("%a%b%c", "10.0.0.1", "xxaxxbxxbxxc")).toBe(true);
    expect(matches("%a%b%c", "10.0.0.1", "xxaxxbxxbxx")).toBe(false);
  });

  test("a pattern made to be slow is not", () => {
    const mask = parseHostMask(`${"%a".repeat(60)}%b`);
    const name = "a".repeat(255);
    const start = performance.now();
    for (let i = 0; i < 100; i++) mask.matches({ ip: "10.0.0.1", name });
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test("a name that looks like an address is not believed", () => {
    expect(matches("10.%", "192.0.2.1", "10.evil.example")).toBe(false);
    expect(matches("10.%", "10.0.0.1")).toBe(true);
  });

  test("IPv6 in any spelling, and IPv4 inside of it", () => {
    expect(matches("2001:db8::1", "2001:0DB8:0:0:0:0:0:1")).toBe(true);
    expect(matches("2001:DB8:0::1", "2001:db8::1")).toBe(true);
    expect(matches("2001:db8:%", "2001:db8::1")).toBe(true);
    expect(matches("2001:db8::2", "2001:db8::1")).toBe(false);
    expect(matches("10.0.0.0/8", "::ffff:10.1.2.3")).toBe(true);
    expect(shownHost(clientAddress("::ffff:10.1.2.3", { resolvesNames: false }))).toBe("10.1.2.3");
  });

  test("localhost: the socket always, the loopback addresses when names count", () => {
    expect(matches("localhost", undefined)).toBe(true);
    expect(matches("LOCALHOST", "127.0.0.1")).toBe(true);
    expect(matches("localhost", "::1")).toBe(true);
    expect(matches("localhost", "10.0.0.1")).toBe(false);
    expect(matches("127.0.0.1", undefined)).toBe(false);
    expect(matches("local%", undefined)).toBe(true);
    const noNames = clientAddress("127.0.0.1", { resolvesNames: false });
    expect(parseHostMask("localhost").matches(noNames)).toBe(false);
    expect(parseHostMask("127.0.0.1").matches(noNames)).toBe(true);
    expect(shownHost(noNames)).toBe("127.0.0.1");
    expect(shownHost(clientAddress("127.0.0.1", { resolvesNames: true }))).toBe("localhost");
  });
});

describe("checkAccountRules()", () => {
  const facts: RuleFacts = {
    subject: { user: "u", host: "h" },
    handlesExpiredPasswords: false,
    usingPassword: true,
    nowMs: 100 * 86_400_000,
  };
  const mysql = DEFAULT_POLICY;
  const mariadb = {
    ...DEFAULT_POLICY,
    flavor: "mariadb",
    disconnectsOnExpiredPassword: false,
  } as const;

  test("a locked account, in the words of either server", () => {
    const locked = account("u", "%", { locked: true, expired: true });
    expect(checkAccountRules(locked, mysql, facts)).toEqual({
      error: {
        code: 3118,
        sqlState: "HY000",
        message: "Access denied for user 'u'@'h'. Account is locked.",
      },
    });
    expect(checkAccountRules(locked, mariadb, facts)).toEqual({
      error: { code: 4151, sqlState: "HY000", message: "Access denied, this account is locked" },
    });
  });

  test("an expired password: refused, or a sandbox", () => {
    const expired = account("u", "%", { expired: true });
    expect(checkAccountRules(expired, mysql, facts)).toMatchObject({
      error: { code: 1862, sqlState: "HY000" },
    });
    const able = { ...facts, handlesExpiredPasswords: true };
    expect(checkAccountRules(expired, mysql, able)).toEqual({ sandbox: true });
    expect(checkAccountRules(expired, mariadb, facts)).toEqual({ sandbox: true });
    expect(mustResetPassword("mysql").message).toContain("ALTER USER");
    expect(mustResetPassword("mariadb").message).toContain("SET PASSWORD");
  });

  test("a password expires at the end of its days, not before", () => {
    const changed = { passwordChangedMs: 97 * 86_400_000 };
    const days = (more: Partial<Account>, policyDays = 0, nowMs = facts.nowMs) =>
      checkAccountRules(
        account("u", "%", { ...changed, ...more }),
        { ...mysql, passwordLifetimeDays: policyDays },
        { ...facts, nowMs },
      );
    expect(days({ passwordLifetimeDays: 3 })).toHaveProperty("error.code", 1862);
    expect(days({ passwordLifetimeDays: 3 }, 0, facts.nowMs - 1)).toEqual({ sandbox: false });
    expect(days({ passwordLifetimeDays: 4 })).toEqual({ sandbox: false });
    expect(days({}, 3)).toHaveProperty("error.code", 1862);
    expect(days({ passwordLifetimeDays: 0 }, 3)).toEqual({ sandbox: false });
    expect(days({})).toEqual({ sandbox: false });
  });

  test("what an account demands of TLS", () => {
    const certificate = { subject: "/CN=a", issuer: "/CN=b" };
    const outcome = (require: Requirement, tls?: RuleFacts["tls"]): boolean => {
      const given = { ...facts, ...(tls === undefined ? {} : { tls }) };
      const result = checkAccountRules(account("u", "%", { require }), mysql, given);
      if ("error" in result) expect(result.error.code).toBe(1045);
      return "sandbox" in result;
    };
    expect(outcome({ kind: "none" })).toBe(true);
    expect(outcome({ kind: "ssl" })).toBe(false);
    expect(outcome({ kind: "ssl" }, { cipher: "X" })).toBe(true);
    expect(outcome({ kind: "x509" }, { cipher: "X" })).toBe(false);
    expect(outcome({ kind: "x509" }, { cipher: "X", certificate })).toBe(true);
    const all = { kind: "specified", subject: "/CN=a", issuer: "/CN=b", cipher: "X" } as const;
    expect(outcome(all, { cipher: "X", certificate })).toBe(true);
    expect(outcome(all, { cipher: "Y", certificate })).toBe(false);
    expect(outcome({ ...all, cipher: "" }, { cipher: "Y", certificate })).toBe(true);
    expect(outcome({ ...all, subject: "/CN=c" }, { cipher: "X", certificate })).toBe(false);
    expect(outcome({ ...all, issuer: "/CN=c" }, { cipher: "X", certificate })).toBe(false);
    expect(outcome(all, { cipher: "X" })).toBe(false);
  });
});

describe("keys and credentials of accounts", () => {
  const withHash = (hash: string): Account =>
    account("u", "%", {
      methods: [{ plugin: "mysql_native_password", secrets: [Secret.hash(hash)] }],
    });

  test("a remembered password belongs to one account and one password of it", () => {
    const key = accountKey("u", withHash("*A"));
    expect(accountKey("u", withHash("*A"))).toBe(key);
    expect(accountKey("u", withHash("*B"))).not.toBe(key);
    expect(accountKey("v", withHash("*A"))).not.toBe(key);
    expect(accountKey("u", undefined)).not.toBe(key);
  });

  test("which accounts give something to log in with", () => {
    const via = (plugin: string, hash = "x"): Account =>
      account("u", "%", { methods: [{ plugin, secrets: [Secret.hash(hash)] }] });
    expect(yieldsCredential(via("mysql_native_password"))).toBe(true);
    expect(yieldsCredential(via("caching_sha2_password"))).toBe(true);
    expect(yieldsCredential(via("ed25519"))).toBe(false);
    expect(yieldsCredential(via("unix_socket"))).toBe(false);
    const plain = { plugin: "client_ed25519", secrets: [Secret.password("x")] };
    expect(yieldsCredential(account("u", "%", { methods: [plain] }))).toBe(true);
  });

  test("nothing prints a secret", () => {
    const credential = Credential.password("hunter2");
    const secrets = [Secret.password("hunter2"), Secret.hash("hunter2")];
    const shown = account("u", "%", { methods: [{ plugin: "p", secrets }] });
    const texts = [credential, ...secrets, shown, new AccountTable([shown], "mysql")].flatMap(
      (value) => [Bun.inspect(value, { depth: 20 }), JSON.stringify(value), String(value)],
    );
    for (const text of texts) expect(text ?? "").not.toContain("hunter2");
    expect(Bun.inspect(credential)).toBe("Credential(***)");
    expect(`${secrets[0]}`).toBe("Secret(***)");
  });
});
