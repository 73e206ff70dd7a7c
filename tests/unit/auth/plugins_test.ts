// The plugins against recorded hashes of real servers, and answers against those of another client
// library (the mariadb connector for Node), recorded for a fixed salt.

import { describe, expect, test } from "bun:test";
import {
  cachingSha2Digest,
  cachingSha2Scramble,
  verifyCachingSha2Scramble,
} from "../../../mod/auth/caching_sha2_password.ts";
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from "../../../mod/auth/ed25519_keys.ts";
import {
  nativeScramble,
  nativeStage1,
  nativeStage2,
  recoverNativeStage1,
} from "../../../mod/auth/native_scramble.ts";
import { newSalt } from "../../../mod/auth/mod.ts";
import { encryptPassword, RsaKey } from "../../../mod/auth/rsa.ts";
import { Secret } from "../../../mod/auth/secret.ts";
import { pluginOfHash, verifyPassword } from "../../../mod/auth/stored_hash.ts";
import { PASSWORDS, RECORDED_HASHES } from "./recorded_hashes.ts";

const SALT = Buffer.from("abcdefghij0123456789");
const NONCE = Buffer.from("0123456789abcdefghijklmnopqrstuv");

const ANSWERS = [
  {
    name: "secret",
    native: "99db25ccb2a625f0e7cf4ce2e895ef9609dfe5e4",
    sha2: "bd7d89fc1c297010da753d08822e9e48d3eafbb6e68e1f9b403be12dc5687a40",
    ed25519: "f2bfd25ad972620b238b9af9cea77cf36da9c1e084130122805b39951e4c039e" +
      "b6afe1aa46a276da36b6bfc44af1a4b538994d4b364ffc2df03c0cf2bf54f807",
  },
  {
    name: "long",
    native: "be6c4e783ceeb424bbafd7e9e4cc2f550a783c9a",
    sha2: "f05be87405f302e6cb174b217c53af3c9a31441ec0b330fe73cf9b7ca612f8f2",
    ed25519: "39352e73373de9783ad9147408e875ba265e3c4a07b3539c1529bcdf48f5927f" +
      "e8b31cbf4456f13ad6e3ae6c01f2c44c309f42ed891a95b384deebde6851cc0d",
  },
  {
    name: "utf8",
    native: "4ae42d13312ddce6ef6dc1d14b0270b87dc1e39f",
    sha2: "6be2ec23ff4cd242acbf954fe4373d1672081f6002982c603e634516017437bd",
    ed25519: "006b0537886bad438b689900609c2805439591a0de7e984715d9fc66bffbaaea" +
      "6dfa026cdcec1df9389e300f2843a7cd32bf85473b084606f78c84b61cd5330a",
  },
] as const;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("verifyPassword()", () => {
  for (const { password, plugin, hash } of RECORDED_HASHES) {
    const form = hash === "" ? "(empty)" : hash.slice(0, 7).replace(/[^ -~]/g, "?");
    test(`${plugin} ${form}: the right password fits, others do not`, async () => {
      const secret = Secret.hash(hash);
      expect(await verifyPassword(password, secret)).toBe(true);
      expect(await verifyPassword(Buffer.concat([password, Buffer.from("x")]), secret)).toBe(false);
      if (password.length > 0) {
        expect(await verifyPassword(Buffer.alloc(0), secret)).toBe(false);
        expect(await verifyPassword(password.subarray(1), secret)).toBe(false);
      }
    });
  }

  test("a hash of no known form fits nothing, not even itself", async () => {
    const secret = Secret.hash("invalid");
    expect(await verifyPassword(Buffer.from("invalid"), secret)).toBe(false);
    expect(await verifyPassword(Buffer.alloc(0), secret)).toBe(false);
  });

  test("a password over the limit is refused without work", async () => {
    const long = Buffer.alloc(257, "a");
    const stage2 = hex(nativeStage2(nativeStage1(long)));
    expect(await verifyPassword(long, Secret.hash(`*${stage2}`))).toBe(false);
    const fits = Buffer.alloc(256, "a");
    const fitting = hex(nativeStage2(nativeStage1(fits)));
    expect(await verifyPassword(fits, Secret.hash(`*${fitting}`))).toBe(true);
  });

  test("other work goes on during a long hash", async () => {
    const hash = RECORDED_HASHES.find((one) => one.hash.startsWith("$A$"))!.hash;
    let turns = 0;
    const count = (): void => {
      turns++;
      handle = setImmediate(count);
    };
    let handle = setImmediate(count);
    await verifyPassword(Buffer.from("wrong"), Secret.hash(hash));
    clearImmediate(handle);
    expect(turns).toBeGreaterThan(2);
  });
});

describe("pluginOfHash()", () => {
  test("knows each plugin's hashes by their form", () => {
    const wire = (plugin: string): string => plugin === "ed25519" ? "client_ed25519" : plugin;
    for (const { plugin, hash } of RECORDED_HASHES.filter((one) => one.hash !== "")) {
      expect(pluginOfHash(hash)).toBe(wire(plugin) as ReturnType<typeof pluginOfHash>);
    }
    expect(pluginOfHash("")).toBeUndefined();
    expect(pluginOfHash("secret")).toBeUndefined();
    expect(pluginOfHash("*14E65567ABDB5135D0CFD9A70B3032C179A49EE")).toBeUndefined();
  });
});

describe("answers to a challenge", () => {
  for (const recorded of ANSWERS) {
    const password = PASSWORDS[recorded.name];

    test(`mysql_native_password, "${recorded.name}"`, () => {
      const stage1 = nativeStage1(password);
      const answer = nativeScramble(stage1, SALT);
      expect(hex(answer)).toBe(recorded.native);
      const stage2 = nativeStage2(stage1);
      expect(recoverNativeStage1(answer, { salt: SALT, stage2 })).toEqual(new Uint8Array(stage1));
      const other = Buffer.from("abcdefghij012345678!");
      expect(recoverNativeStage1(answer, { salt: other, stage2 })).toBeUndefined();
      expect(recoverNativeStage1(answer.subarray(1), { salt: SALT, stage2 })).toBeUndefined();
    });

    test(`caching_sha2_password, "${recorded.name}"`, () => {
      const answer = cachingSha2Scramble(password, SALT);
      expect(hex(answer)).toBe(recorded.sha2);
      // A server's salt comes with a NUL behind it.
      expect(hex(cachingSha2Scramble(password, Buffer.from(`${SALT}\0`)))).toBe(recorded.sha2);
      const digest = cachingSha2Digest(password);
      expect(verifyCachingSha2Scramble(answer, { salt: SALT, digest })).toBe(true);
      const other = cachingSha2Digest(Buffer.from("other"));
      expect(verifyCachingSha2Scramble(answer, { salt: SALT, digest: other })).toBe(false);
    });

    test(`client_ed25519, "${recorded.name}"`, () => {
      const signature = ed25519Sign(password, NONCE);
      expect(hex(signature)).toBe(recorded.ed25519);
      const publicKey = ed25519PublicKey(password);
      expect(ed25519Verify(signature, { nonce: NONCE, publicKey })).toBe(true);
      expect(ed25519Verify(signature, { nonce: NONCE.toReversed(), publicKey })).toBe(false);
      expect(ed25519Verify(signature.subarray(1), { nonce: NONCE, publicKey })).toBe(false);
    });
  }
});

describe("RSA exchange", () => {
  test("a password comes through for every recorded password and key", async () => {
    const key = new RsaKey();
    const publicPem = Buffer.from(await key.publicPem()).toString();
    expect(publicPem).toStartWith("-----BEGIN PUBLIC KEY-----\n");
    for (const password of Object.values(PASSWORDS)) {
      const made = encryptPassword(password, { salt: SALT, publicPem });
      if (!("encrypted" in made)) throw new Error(made.fail);
      expect(made.encrypted).toHaveLength(256);
      expect(await key.decryptPassword(made.encrypted, SALT)).toEqual(new Uint8Array(password));
      // Other in each byte: by chance a short password would come out all the same.
      const other = Uint8Array.from(SALT, (byte) => byte ^ 1);
      const wrongSalt = await key.decryptPassword(made.encrypted, other);
      expect(wrongSalt === undefined || !Buffer.from(wrongSalt).equals(password)).toBe(true);
    }
  });

  test("garbage is a wrong answer, not an exception", async () => {
    const key = new RsaKey();
    expect(await key.decryptPassword(Buffer.alloc(256, 7), SALT)).toBeUndefined();
    expect(await key.decryptPassword(Buffer.alloc(0), SALT)).toBeUndefined();
    expect(await key.decryptPassword(Buffer.alloc(70_000), SALT)).toBeUndefined();
  });

  test("the password has to fit the key, and the key to be one", async () => {
    const publicPem = Buffer.from(await new RsaKey().publicPem()).toString();
    const options = { salt: SALT, publicPem };
    expect("encrypted" in encryptPassword(Buffer.alloc(213, "a"), options)).toBe(true);
    expect(encryptPassword(Buffer.alloc(214, "a"), options)).toEqual({
      fail: "the password is too long for the server's RSA key: use TLS",
    });
    expect(encryptPassword(Buffer.from("a"), { salt: SALT, publicPem: "no key" })).toEqual({
      fail: "the server sent a public key that cannot be read",
    });
  });

  test("the key pair is made once, also when it is asked for twice at a time", async () => {
    const key = new RsaKey();
    const [first, second] = await Promise.all([key.publicPem(), key.publicPem()]);
    expect(first).toBe(second);
  });
});

describe("newSalt()", () => {
  test("has 20 bytes, none of them NUL, '$' or over 127", () => {
    const seen = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const salt = newSalt();
      expect(salt).toHaveLength(20);
      for (const byte of salt) seen.add(byte);
    }
    expect(seen.has(0)).toBe(false);
    expect(seen.has(0x24)).toBe(false);
    expect(Math.max(...seen)).toBeLessThan(128);
    // 40000 draws of 126 values: each of them has come up.
    expect(seen.size).toBe(126);
  });

  test("draws forbidden bytes again", () => {
    let calls = 0;
    const salt = newSalt((bytes) => bytes.fill(calls++ === 0 ? 0x24 : 0x41));
    expect(calls).toBe(2);
    expect(Buffer.from(salt).toString()).toBe("A".repeat(20));
  });
});
