// What a worker tells of itself when the admin port asks.

import type { CounterValues } from "../observe/mod.ts";
import {
  type BackendFacts,
  backendsOf,
  type FrontendFacts,
  frontendsOf,
  type SessionContext,
} from "../session/mod.ts";

/** A worker at one moment. */
export interface WorkerSurvey {
  /** Its number, from 0 on. */
  readonly worker: number;
  readonly pid: number;
  /** How long its process has run, in milliseconds. */
  readonly uptimeMs: number;
  /** Resident memory, in bytes. */
  readonly rssBytes: number;
  /** Of it, objects of JavaScript, in bytes. */
  readonly heapBytes: number;
  /** Processor time used, in microseconds. */
  readonly cpuUs: number;
  /** How late timers came last, and at most in the last minute, in milliseconds. */
  readonly loopLagMs: number;
  readonly loopLagMaxMs: number;
  readonly counters: CounterValues;
  readonly frontends: readonly FrontendFacts[];
  readonly backends: readonly BackendFacts[];
}

/** Control plane: walks all sessions and connections. */
export function surveyOf(context: SessionContext, worker: number): WorkerSurvey {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    worker,
    pid: process.pid,
    uptimeMs: process.uptime() * 1000,
    rssBytes: rss,
    heapBytes: heapUsed,
    cpuUs: user + system,
    loopLagMs: context.loopLag.lastMs,
    loopLagMaxMs: context.loopLag.maxMs,
    counters: { ...context.counters },
    frontends: frontendsOf(context),
    backends: backendsOf(context),
  };
}
