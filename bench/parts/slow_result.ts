// How far memory rises when a client reads a large result slowly and stops altogether at times.

import { streamStatement } from "../database.ts";
import type { Figures, Part, Scale } from "../part.ts";
import { peakKib, resetPeak, residentKib } from "../processes.ts";
import { type Pace, RawClient } from "../raw_client.ts";
import { loginOptions } from "../target.ts";

const MIB = 1 << 20;
const GIB = 1 << 30;
const BYTES_PER_MS = 64 * 1024;
const STALL_MS = 3_000;
/** The client stalls at these parts of the result. */
const STALLS_AT = [0.25, 0.5, 0.75];

/** A result of 2 GiB; 256 MiB in a smoke test. */
export function slowResultPart(scale: Scale): Part {
  const bytes = scale.quick ? GIB / 4 : 2 * GIB;
  const stallMs = scale.quick ? STALL_MS / 3 : STALL_MS;
  const title =
    `result of ${bytes / MIB} MiB, read at 64 KiB/ms with ${STALLS_AT.length} stalls of ` +
    `${stallMs / 1000} s`;
  return {
    name: "slow-result",
    cases: [{
      id: `slow-result/${bytes / MIB}MiB`,
      title,
      async measure(target, database): Promise<Figures> {
        const pid = target.process!.pid;
        const client = await RawClient.login(loginOptions(database, target.endpoint));
        const before = residentKib(pid);
        resetPeak(pid);
        const begun = performance.now();
        const received = await client.query(
          streamStatement(bytes),
          slowly(STALLS_AT.map((part) => part * bytes), stallMs),
        );
        const seconds = (performance.now() - begun) / 1000;
        client.close();
        return {
          riseMib: (peakKib(pid) - before) / 1024,
          rssMib: before / 1024,
          megabytesPerSecond: received / 1e6 / seconds,
        };
      },
    }],
    columns: [
      { figure: "rssMib", title: "RSS before MiB", digits: 1 },
      { figure: "riseMib", title: "peak RSS rise MiB", digits: 1, better: "less" },
      { figure: "megabytesPerSecond", title: "MB/s", digits: 0 },
    ],
    rounds: 1,
    freshProcess: true,
    secondsEach: bytes / BYTES_PER_MS / 1000 + STALLS_AT.length * stallMs / 1000,
  };
}

/** Reads at a steady rate, and not at all for a while each time a mark is passed. */
function slowly(marks: readonly number[], stallMs: number): Pace {
  const begun = performance.now();
  let stalls = 0;
  return (received) => {
    while (stalls < marks.length && received >= marks[stalls]) stalls++;
    const due = begun + received / BYTES_PER_MS + stalls * stallMs;
    return Math.max(0, Math.ceil(due - performance.now()));
  };
}
