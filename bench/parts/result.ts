// How fast one large result comes through, to a client that discards it as fast as it comes.

import { streamStatement } from "../database.ts";
import type { Figures, Part, Scale } from "../part.ts";
import { cpuMicros, peakKib, resetPeak, residentKib } from "../processes.ts";
import { RawClient } from "../raw_client.ts";
import { loginOptions } from "../target.ts";

const MIB = 1 << 20;
const GIB = 1 << 30;

/** A result of 1 GiB; 256 MiB in a smoke test. */
export function resultPart(scale: Scale): Part {
  const bytes = scale.quick ? GIB / 4 : GIB;
  const title = `result of ${bytes / MIB} MiB, read at full speed`;
  return {
    name: "result",
    cases: [{
      id: `result/${bytes / MIB}MiB`,
      title,
      async measure(target, database): Promise<Figures> {
        const client = await RawClient.login(loginOptions(database, target.endpoint));
        const pid = target.process?.pid;
        if (pid !== undefined) resetPeak(pid);
        const rssBefore = pid === undefined ? 0 : residentKib(pid);
        const cpuBefore = pid === undefined ? 0 : cpuMicros(pid);
        const begun = performance.now();
        const received = await client.query(streamStatement(bytes));
        const seconds = (performance.now() - begun) / 1000;
        client.close();
        const speed = { megabytesPerSecond: received / 1e6 / seconds };
        if (pid === undefined) return speed;
        return {
          ...speed,
          cpuSecondsPerGib: (cpuMicros(pid) - cpuBefore) / 1e6 / (received / GIB),
          riseMib: (peakKib(pid) - rssBefore) / 1024,
        };
      },
    }],
    columns: [
      {
        figure: "megabytesPerSecond",
        title: "MB/s",
        digits: 0,
        ratioTo: ["direct", "haproxy"],
        better: "more",
      },
      { figure: "cpuSecondsPerGib", title: "CPU s/GiB", digits: 2, better: "less" },
      { figure: "riseMib", title: "peak RSS rise MiB", digits: 1 },
    ],
    rounds: scale.rounds,
    freshProcess: false,
    secondsEach: bytes / GIB * 2,
  };
}
