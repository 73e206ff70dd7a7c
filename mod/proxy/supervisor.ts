// The control plane of the workers: starts them, has more or fewer of them, reads accounts once for
// all. One worker alone is in this process; further ones are processes of their own.

import { addPoolStatuses } from "../backend/mod.ts";
import { NO_TOPOLOGY } from "../cluster/mod.ts";
import { type Config, workerCount } from "../config/mod.ts";
import { selfSignedCertificate } from "../net/mod.ts";
import {
  addCounters,
  Counters,
  type LeveledLog,
  type LogLines,
  reopenLogFiles,
} from "../observe/mod.ts";
import { addRoutes } from "../route/mod.ts";
import { workerOf } from "../session/mod.ts";
import { configureWorkers } from "./configure_workers.ts";
import { startCredentials } from "./credentials.ts";
import type { Fleet } from "./fleet.ts";
import type { Question } from "./messages.ts";
import { pausedAfter } from "./paused_pools.ts";
import { addPoolUses } from "./pool_use.ts";
import { resize } from "./resize.ts";
import type { Running } from "./running.ts";
import { makeTotals } from "./server_digests.ts";
import { splitsReads } from "./splits_reads.ts";
import { clientTlsContext } from "./tls_context.ts";
import { UsageTotals } from "./usage.ts";
import { ANSWER_MS, WorkerHandle } from "./worker_handle.ts";

/** How often measurements are added up where nobody asks for them, in milliseconds. */
const METRICS_MS = 1000;

/**
 * Starts the workers and resolves when all listen.
 *
 * @throws {StartError} If the first one cannot start.
 */
export async function startSupervisor(
  config: Config,
  log: LeveledLog,
  { lines, copies = 1, replace = false }: {
    /** Gets the lines of the workers' logs. */
    readonly lines: LogLines;
    readonly copies?: number;
    readonly replace?: boolean;
  },
): Promise<Running> {
  const workers: WorkerHandle[] = [];
  const credentials = startCredentials(config, log, {
    onChange: () => workers.forEach((worker) => worker.credentials()),
  });
  const wanted = workerCount(config);
  // Other processes are told of accounts when they start.
  if (wanted > 1) await Promise.race([credentials.ready, Bun.sleep(ANSWER_MS)]);
  const certificate = config.clientTls.mode !== "disabled" && config.clientTls.certPath === ""
    ? await selfSignedCertificate({ commonName: "mysqlproxy", days: 3650 })
    : undefined;
  let tls = await clientTlsContext(config.clientTls, certificate);
  const drained = Promise.withResolvers<void>();
  let buried = new Counters();
  const fleet: Fleet = {
    config,
    log,
    lines,
    credentials,
    certificate,
    copies,
    replace,
    workers,
    topology: NO_TOPOLOGY,
    code: undefined,
    watcher: undefined,
    isPaused: false,
    paused: [],
    totals: makeTotals(config.metrics.digestsMax, {
      config: () => fleet.config,
      onNames: (names) => workers.forEach((worker) => worker.tellDigests(names)),
    }),
    usage: new UsageTotals(),
    ending: false,
    onGone(worker) {
      workers.splice(workers.indexOf(worker), 1);
      buried = addCounters([buried, worker.counters]);
      for (const each of workers) each.send({ kind: "share", workers: workers.length });
      if (fleet.ending && workers.length === 0) drained.resolve();
    },
  };
  for (let number = 0; number < wanted; number++) {
    workers.push(new WorkerHandle(number, fleet, wanted === 1));
  }
  for (const worker of [...workers]) {
    try {
      // The first one finds out which port an address with port 0 gets.
      const addresses = await worker.start();
      if (worker.number === 0) fleet.config = { ...config, listen: addresses };
    } catch (error) {
      fleet.ending = true;
      for (const started of workers) started.send({ kind: "stop" });
      credentials.stop();
      throw error;
    }
  }
  // What comes later is nobody's successor.
  fleet.replace = false;
  // Also where nobody looks at them: what a worker has not told yet is bounded.
  const collect = () => workers.forEach((worker) => worker.collectMetrics());
  setInterval(collect, METRICS_MS).unref();
  const there = () => workers.filter(({ isThere }) => isThere);
  const all = (kind: "retire" | "drain" | "stop") => {
    for (const worker of workers) worker.send({ kind });
  };
  return {
    get config() {
      return fleet.config;
    },
    credentials,
    addresses: fleet.config.listen,
    clientTls: () => tls.clientTls,
    counters: () => addCounters([buried, ...workers.map((worker) => worker.counters)]),
    pools: () => addPoolUses(workers.map((worker) => worker.pools)),
    async managePools(order) {
      if (order) fleet.paused = pausedAfter(fleet.paused, order);
      const answers = await Promise.all(
        workers.map((worker) => worker.ask({ kind: "pools", order })),
      );
      return addPoolStatuses(answers.flatMap(({ pools }) => pools ?? []));
    },
    metrics() {
      collect();
      return fleet.totals;
    },
    usage() {
      collect();
      return fleet.usage;
    },
    async kill(command) {
      const number = workerOf(command.id);
      const worker = workers.find((each) => each.number === number);
      if (worker === undefined) return "unknown";
      return (await worker.ask({ kind: "kill", command })).outcome ?? "failed";
    },
    noteAdminRefusal: () => void buried.adminLoginsFailed++,
    async routes() {
      const answers = await Promise.all(workers.map((worker) => worker.ask({ kind: "routes" })));
      return addRoutes(answers.map(({ routes }) => routes ?? []));
    },
    async explainRoute(statement) {
      return (await workers[0]!.ask({ kind: "explain", statement })).explained;
    },
    async survey() {
      const answers = await Promise.all(workers.map((worker) => worker.ask({ kind: "survey" })));
      return answers.flatMap(({ survey }) => survey ?? []);
    },
    async details() {
      const answers = await Promise.all(workers.map((worker) => worker.ask({ kind: "details" })));
      return answers.flatMap(({ details }) => details ?? []);
    },
    attach: (watcher) => void (fleet.watcher = watcher),
    learn(code) {
      fleet.code = code;
      for (const worker of workers) worker.send({ kind: "code", code });
    },
    publish(topology) {
      fleet.topology = topology;
      for (const worker of workers) worker.send({ kind: "topology", topology });
    },
    async configure(next) {
      const reason = await configureWorkers(
        next,
        (question: Question) => Promise.all(there().map((worker) => worker.ask(question))),
        async () => {
          const isOwn = next.clientTls.certPath === "" && tls.clientTls !== undefined;
          if (!isOwn) tls = await clientTlsContext(next.clientTls, certificate);
          const hadAudit = fleet.config.audit.filePath !== "";
          fleet.config = { ...next, listen: fleet.config.listen };
          if (!hadAudit) workers.forEach((worker) => worker.tellDigests(fleet.totals.names));
          if (!splitsReads(next)) fleet.code = undefined;
        },
      );
      if (reason === undefined) await resize(fleet, workerCount(next));
      return reason;
    },
    draining: () => fleet.ending,
    paused: () => fleet.isPaused,
    async pause(isPaused) {
      fleet.isPaused = isPaused;
      const answers = await Promise.all(
        there().map((worker) => worker.ask({ kind: "pause", isPaused })),
      );
      return answers.map(({ failure }) => failure ?? "A worker does not answer")
        .find((failure) => failure !== "");
    },
    ready: () => !fleet.ending && workers.some((worker) => worker.reached),
    async reload() {
      const failures = await Promise.all(workers.map((worker) => worker.reload()));
      const failure = failures.find((reason) => reason !== undefined);
      if (failure !== undefined) throw new Error(failure);
      tls = await clientTlsContext(fleet.config.clientTls, certificate);
    },
    async reopenLogs() {
      // Those of this process, with the admin port's, and those of the workers.
      const own = await reopenLogFiles();
      const answers = await Promise.all(
        there().map((worker) => worker.ask({ kind: "reopenLogs" })),
      );
      const failures = answers.map(({ failure }) => failure ?? "A worker does not answer");
      return own ?? failures.find((failure) => failure !== "");
    },
    takeStep: (step, before) => workers[0]!.takeStep(step, before),
    retire() {
      fleet.ending = true;
      all("retire");
    },
    drain() {
      fleet.ending = true;
      all("drain");
    },
    stop() {
      fleet.ending = true;
      all("stop");
    },
    async drained() {
      await drained.promise;
      credentials.stop();
    },
  };
}
