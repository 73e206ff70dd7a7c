// bun program.ts OPTIONS: a process of the load generator. Says when its clients are logged in, then
// runs the phases it is told, a line of JSON each way.

import { Load, type LoadOptions, type Phase } from "./load.ts";

/** What the process says: one of these a line. */
export interface Said {
  readonly failure?: string;
  readonly ready?: true;
  readonly result?: unknown;
  /** CPU time of this process in the phase, in µs. */
  readonly cpuMicros?: number;
}

const say = (said: Said) => console.log(JSON.stringify(said));
try {
  const load = await Load.start(JSON.parse(process.argv[2]) as LoadOptions);
  say({ ready: true });
  for await (const line of console) {
    const before = process.cpuUsage();
    const result = await load.run(JSON.parse(line) as Phase);
    const { user, system } = process.cpuUsage(before);
    say({ result, cpuMicros: user + system });
  }
} catch (error) {
  say({ failure: error instanceof Error ? error.message : String(error) });
}
process.exit(0);
