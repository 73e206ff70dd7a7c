// Compression on each leg by itself: no client need know what the proxy and its server agree on.

import { describe, expect, test } from "bun:test";
import { sharedServer } from "../servers/mod.ts";
import { Expect, frame } from "../../mod/wire/mod.ts";
import { kinds, loginAs, sharedProxy } from "./subjects.ts";

const MIB = 1024 * 1024;

for (const kind of kinds) {
  // MariaDB has no zstd: asked for it, it is spoken to without compression.
  const onServer = { off: "OFF", zlib: "ON", zstd: kind === "mysql" ? "ON" : "OFF" } as const;
  for (const backend of ["off", "zlib", "zstd"] as const) {
    for (const client of [undefined, "zlib", "zstd"] as const) {
      for (const tls of [false, true]) {
        const legs = `client ${client ?? "off"}, server ${backend}${tls ? ", over TLS" : ""}`;
        test(`${kind}: ${legs}`, async () => {
          const server = await sharedServer(kind);
          const proxy = await sharedProxy(server, ["--backend-compression", backend]);
          using connection = await loginAs(server.accounts.app, proxy, {
            tls,
            ...(client === undefined ? {} : { compression: client }),
          });
          const [status] = await connection.query("SHOW SESSION STATUS LIKE 'Compression'");
          expect(status![1]).toBe(onServer[backend]);
          expect(await connection.value("SELECT REPEAT('compressible ', 10)")).toBe(
            "compressible ".repeat(10),
          );
          // Through several sequences, up and down, small and large.
          for (const length of [0, 49, 50, 51, 70_000, 3 * MIB]) {
            const text = "abcdefghij".repeat(length / 10 + 1).slice(0, length);
            expect(await connection.value(`SELECT '${text}'`)).toBe(text);
          }
          expect((await connection.errorOf("SELECT nonsense")).code).toBe(1054);
          expect(connection.packets.counts.received > 0).toBe(client !== undefined);
        });
      }
    }
  }

  describe(`${kind}: over 16 MiB both ways`, () => {
    const legs = [["off", undefined], ["zlib", "zlib"], ["off", "zstd"], [
      "zstd",
      undefined,
    ]] as const;
    for (const [backend, client] of legs) {
      test(`client ${client ?? "off"}, server ${backend}`, async () => {
        const server = await sharedServer(kind);
        const proxy = await sharedProxy(server, ["--backend-compression", backend]);
        using connection = await loginAs(server.accounts.app, proxy, {
          ...(client === undefined ? {} : { compression: client }),
        });
        const length = 17 * MIB;
        const chunk = crypto.getRandomValues(new Uint8Array(64 * 1024));
        const text = Buffer.from(chunk).toString("base64").repeat(300).slice(0, length);
        const sent = connection.queryPayload(
          `SELECT LENGTH(t), SHA2(t, 256), t FROM (SELECT '${text}' AS t) x`,
        );
        const packets = await connection.command(sent, Expect.RESULT);
        const [row] = connection.parse(packets)[0]!.rows;
        expect(row![0]).toBe(String(length));
        expect(row![1]).toBe(new Bun.CryptoHasher("sha256").update(text).digest("hex"));
        expect(row![2] === text).toBe(true);
        // Exactly at the edge: the row's payload is one full packet and an empty one.
        const edge = 0xffffff - 4;
        const edged = await connection.value(`SELECT REPEAT('e', ${edge})`);
        expect(edged!.length).toBe(edge);
        expect(await connection.value("SELECT 'still here'")).toBe("still here");
      });
    }
  });

  test(`${kind}: local answers and pipelined requests on compressed legs`, async () => {
    const server = await sharedServer(kind);
    const proxy = await sharedProxy(server, ["--backend-compression", "zlib"]);
    for (const compression of ["zlib", "zstd"] as const) {
      using client = await loginAs(server.accounts.app, proxy, { compression });
      const long = `SELECT LENGTH('${"z".repeat(2 * MIB)}')`;
      const requests = [
        {
          payload: client.queryPayload("SELECT CONNECTION_ID(), REPEAT('a', 100)"),
          shape: Expect.RESULT,
        },
        { payload: Buffer.of(0x2a), shape: Expect.OK },
        { payload: client.queryPayload(long), shape: Expect.RESULT },
        { payload: Buffer.of(0x2b), shape: Expect.OK },
        { payload: client.queryPayload("SHOW PROCESSLIST"), shape: Expect.RESULT },
      ];
      for (let round = 0; round < 2; round++) {
        client.sendBytes(Buffer.concat(requests.map(({ payload }) => frame(payload, 0))));
        const codes: number[] = [];
        for (const { shape } of requests) {
          const packets = await client.answer(shape);
          codes.push(client.errorCode(packets));
          expect(packets.map(({ sequence }) => sequence)).toEqual(packets.map((_, i) => i + 1));
        }
        expect(codes).toEqual([0, 1047, 0, 1047, 0]);
      }
    }
  });
}
