// The monitor: watches all servers, keeps the roster, decides what each one is, and tells what has
// changed. It runs in the control plane.

import { changesBetween, changesRoles, FailoverWatch, flavorFound } from "./changes.ts";
import { type Clock, systemClock } from "./clock.ts";
import { EventRing } from "./events.ts";
import { type Failure, isTopologyError } from "./failure.ts";
import type { Flavor, ProbeSession } from "./flavor.ts";
import { detectFlavor, flavorNamed } from "./flavors/all.ts";
import { Lags, readPositionOf } from "./lags.ts";
import { clusterIdOf, isMembersTurn, wrongReason } from "./membership.ts";
import { NO_ORDER, type Orders, withOrder } from "./orders.ts";
import { isQuick, lookDelayMs, type Situation } from "./pace.ts";
import { type Known, Roster } from "./roster.ts";
import { changeSeeds, seedsReason } from "./seeds.ts";
import { nextStanding, type Standing } from "./server_state.ts";
import type { MonitorOptions, OrderOutcome, TroubleReport } from "./settings.ts";
import { topologyOf } from "./snapshot.ts";
import { isNewEpoch, NO_TOPOLOGY, type Topology } from "./topology.ts";
import { type Answer, ServerWatch } from "./watch.ts";

/** Positions and lags alone are told at most this often. */
const SOFT_MS = 500;
/** How often `settled` looks whether it is so. */
const POLL_MS = 5;

/** Watches a cluster. */
export class ClusterMonitor {
  #options: Omit<MonitorOptions, "before">;
  /** The one that it takes over from, until it knows as much: that one has had one before it, too. */
  #before: MonitorOptions["before"];
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #roster: Roster;
  readonly #watches = new Map<string, ServerWatch>();
  readonly #lags: Lags;
  readonly #failovers: FailoverWatch;
  readonly #ready = Promise.withResolvers<void>();
  #flavor: { readonly flavor: Flavor; readonly reason: string } | undefined;
  #orders: Orders;
  #topology: Topology;
  #clusterId: string | undefined;
  #changedMs = 0;
  /** Some server is not as it should be. */
  #isTroubled = true;
  #cancelSoft: (() => void) | undefined;
  /** When a report was last followed; and what forgets the one that waits. */
  #heardMs = -Infinity;
  #cancelHearing: () => void = () => {};
  #stopped = false;
  #heldFor: string | undefined;
  /** Every server that was known, the first ones' members included, has answered or failed. */
  #asked = false;
  /** What has happened. */
  readonly events: EventRing;

  constructor({ before, ...options }: MonitorOptions) {
    this.#options = options;
    this.#before = before;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#orders = options.orders ?? {};
    this.#failovers = new FailoverWatch(this.#clock);
    this.#lags = new Lags(this.#clock);
    this.#roster = new Roster(this.#clock);
    this.#topology = before?.topology ?? NO_TOPOLOGY;
    this.events = before?.events ?? new EventRing({
      max: options.settings.eventsMax,
      wallMs: () => this.#clock.wallMs(),
      ...(options.onEvent ? { onEvent: options.onEvent } : {}),
    });
    const { flavor } = options.settings;
    if (flavor !== "auto") this.#flavor = { flavor: flavorNamed(flavor), reason: "configured" };
  }

  /** What is known now. */
  get topology(): Topology {
    return this.#topology;
  }

  /** What people have said. */
  get orders(): Orders {
    return this.#orders;
  }

  /** Resolves when every server that was known at the start was looked at once. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Resolves when every server that is known, whoever has named it, was looked at, and those that
   * answer once more: lags are known only when the primary was seen before.
   */
  async settled(): Promise<void> {
    await this.#until(() => this.#roster.all.every(({ looks }) => looks > 0));
    const before = new Map(this.#roster.all.map(({ name, looks }) => [name, looks]));
    this.#wakeAll();
    await this.#until(() =>
      this.#roster.all.every(({ name, looks, failure }) =>
        failure !== undefined || looks > (before.get(name) ?? 0)
      )
    );
    this.#evaluate();
  }

  /** Applies other settings; the flavor is to be the same. */
  reconfigure({ settings, seeds }: Pick<MonitorOptions, "settings" | "seeds">): void {
    this.#options = { ...this.#options, settings, seeds };
    this.events.setMax(settings.eventsMax);
    const { added, removed } = changeSeeds(this.#roster, seeds);
    for (const known of removed) this.#unwatch(known);
    for (const known of added) this.#watch(known);
    if (added.length + removed.length > 0) this.#roster.resolve();
    this.#evaluate();
  }

  /** Why the servers cannot be others; undefined: they can. */
  reasonAgainst(seeds: MonitorOptions["seeds"]): string | undefined {
    return seedsReason(this.#topology, seeds);
  }

  /** Begins to watch. */
  start(): void {
    const nowMs = this.#clock.now();
    this.#changedMs = nowMs;
    for (const address of this.#options.seeds) this.#roster.add({ address }, "seed");
    for (const address of this.#options.saved ?? []) this.#roster.add({ address }, "saved");
    for (const known of this.#roster.all) this.#watch(known);
  }

  /** Ends all watches. */
  stop(): void {
    this.#stopped = true;
    this.#cancelSoft?.();
    this.#cancelHearing();
    for (const watch of this.#watches.values()) watch.stop();
    this.#watches.clear();
  }

  /**
   * The data plane was disappointed: looks at once, at all servers if roles may have changed. Of
   * reports that follow each other quickly the last one counts: clients may go on failing for ever.
   */
  report(report: TroubleReport): void {
    if (report.isSilent) return this.#hearSilence(report.server ?? "");
    const restMs = this.#heardMs + this.#options.settings.quickIntervalMs - this.#clock.now();
    this.#cancelHearing();
    if (restMs <= 0) this.#hear(report);
    else this.#cancelHearing = this.#clock.after(restMs, () => this.#hear({ code: report.code }));
  }

  #hear({ server, code }: TroubleReport): void {
    if (this.#stopped) return;
    this.#heardMs = this.#clock.now();
    const known = server === undefined ? undefined : this.#roster.get(server);
    if (known === undefined || isTopologyError(code)) this.#wakeAll();
    else for (const watch of this.#watchesOf(known)) watch.wake();
  }

  /** Only of the primary is it asked: others are left by those who read there. */
  #hearSilence(server: string): void {
    const known = this.#roster.get(server);
    if (known === undefined || this.#roster.serverOf(known) !== this.#primary) return;
    for (const watch of this.#watchesOf(known)) watch.doubt();
  }

  #watchesOf(known: Known): ServerWatch[] {
    const { name } = this.#roster.serverOf(known);
    return [name, ...this.#roster.aliasesOf(name)].flatMap((each) => this.#watches.get(each) ?? []);
  }

  get #primary(): Known | undefined {
    const { primary } = this.#topology;
    return primary === null ? undefined : this.#roster.get(primary);
  }

  /** Whoever else claims to be the primary is believed if it answers now. */
  #onSilence(known: Known, sinceMs: number): void {
    const server = this.#roster.serverOf(known);
    if (server !== this.#primary || server.silentMs !== undefined) return;
    server.silentMs = sinceMs;
    this.#evaluate();
    this.#wakeAll();
  }

  /** Nobody gets writes before this one is the primary; undefined: whoever is. Looks at all now. */
  hold(target: string | undefined): void {
    this.#heldFor = target;
    this.#evaluate();
    this.#wakeAll();
  }

  /** DRAIN SERVER: it gets no new work. */
  drain(server: string): OrderOutcome {
    return this.#order(server, { draining: true }, "DRAIN SERVER");
  }

  /** ENABLE SERVER: takes a drain back. */
  enable(server: string): OrderOutcome {
    return this.#order(server, { draining: false }, "ENABLE SERVER");
  }

  /** SET SERVER … WEIGHT. */
  setWeight(server: string, weight: number): OrderOutcome {
    return this.#order(server, { weight }, `SET SERVER WEIGHT ${weight}`);
  }

  #order(name: string, change: Partial<Orders[string]>, reason: string): OrderOutcome {
    const found = this.#roster.get(name);
    if (found === undefined) return "unknown-server";
    const known = this.#roster.serverOf(found);
    this.#orders = withOrder(this.#orders, known.name, change);
    this.#options.onOrders?.(this.#orders);
    this.events.add({ kind: "server-ordered", server: known.name, reason });
    if (known.reading && known.failure === undefined) this.#judgeState(known);
    this.#evaluate();
    return "done";
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#stopped) {
      await new Promise<void>((resolve) => this.#clock.after(POLL_MS, resolve));
    }
  }

  #wakeAll(): void {
    for (const watch of this.#watches.values()) watch.wake();
  }

  #watch(known: Known): void {
    const { settings, connector } = this.#options;
    const watch = new ServerWatch({
      address: known.address,
      connector,
      clock: this.#clock,
      timeoutMs: settings.timeoutMs,
      lagQuery: settings.lagQuery,
      flavorOf: (session) => this.#flavorOf(session),
      wantsMembers: () => this.#wantsMembers(known),
      delayMs: () => this.#delayMs(known),
      onAnswer: (answer) => this.#onAnswer(known, answer),
      onFailure: (failure) => this.#onFailure(known, failure),
      onSilence: (sinceMs) => this.#onSilence(known, sinceMs),
    });
    this.#watches.set(known.name, watch);
    watch.start();
  }

  #unwatch({ name }: Known): void {
    this.#watches.get(name)?.stop();
    this.#watches.delete(name);
  }

  /** The first server to be asked decides; one that turns out to be more particular corrects it. */
  async #flavorOf(session: ProbeSession): Promise<Flavor> {
    if (this.#options.settings.flavor !== "auto") return this.#flavor!.flavor;
    const before = this.#flavor?.flavor;
    // A member that is out of its group looks like one of no group.
    if (before && before.name !== "async" && before.name !== "static") return before;
    const found = await detectFlavor(session);
    const now = this.#flavor?.flavor;
    if (now === found.flavor || (now && found.flavor.name === "static")) return now;
    this.#flavor = found;
    // Who was asked before is to be asked as one of this flavor.
    for (const watch of this.#watches.values()) watch.forgetFlavor();
    const told = now?.name ?? this.#before?.topology.flavor;
    if (told !== found.flavor.name) this.events.add(flavorFound(session.address, now, found));
    return found.flavor;
  }

  #wantsMembers(known: Known): boolean {
    const { discover, intervalMs } = this.#options.settings;
    const now = { nowMs: this.#clock.now(), isQuick: isQuick(this.#situation()) };
    return discover && isMembersTurn(known, { ...now, intervalMs });
  }

  #delayMs(known: Known): number {
    const mayAnnounce = this.#roster.serverOf(known) === this.#primary;
    const announcedMs = mayAnnounce ? this.#flavor?.flavor.announcedMs : undefined;
    const situation = { ...this.#situation(), announcedMs };
    return lookDelayMs(situation, this.#options.settings, this.#random());
  }

  #situation(): Situation {
    return {
      isKnown: this.#asked,
      hasPrimary: this.#topology.primary !== null,
      isSilent: this.#primary?.silentMs !== undefined,
      isTransferring: this.#heldFor !== undefined || this.#topology.transferring,
      isTroubled: this.#isTroubled,
      changedForMs: this.#clock.now() - this.#changedMs,
      servers: this.#watches.size,
    };
  }

  #onAnswer(known: Known, { reading, members, heartbeatMs }: Answer): void {
    const before = { standing: known.standing, reading: known.reading, aliasOf: known.aliasOf };
    known.reading = reading;
    known.answeredWallMs = Math.round(this.#clock.wallMs() - (this.#clock.now() - reading.atMs));
    const server = this.#roster.serverOf(known);
    const wasSilent = server.silentMs !== undefined;
    server.silentMs = undefined;
    known.failure = undefined;
    known.looks++;
    known.heartbeatMs = heartbeatMs;
    readPositionOf(known);
    if (this.#roster.isImpostor(known)) return this.#drop(known);
    if (before.reading?.identity.id !== reading.identity.id || before.reading === undefined) {
      this.#roster.resolve();
    }
    const added = members === undefined ? [] : this.#takeIn(known, members);
    if (reading.clusterId !== this.#clusterId) {
      this.#clusterId = clusterIdOf(this.#roster.servers, this.#clusterId);
    }
    const isPrimary = this.#primary === this.#roster.serverOf(known);
    if (isPrimary) this.#lags.seePrimary(known);
    this.#lags.reckon(known);
    this.#judgeState(known);
    // With the primary's position the lag of others is known better.
    const isNew = isPrimary || wasSilent || added.length > 0 || known.aliasOf !== before.aliasOf ||
      known.standing.state !== before.standing.state ||
      known.standing.reason !== before.standing.reason ||
      before.reading === undefined || changesRoles(before.reading, reading);
    if (isNew) this.#evaluate();
    else this.#evaluateSoon();
  }

  #onFailure(known: Known, failure: Failure): void {
    known.failure = failure;
    known.looks++;
    const before = known.standing;
    const evidence = { kind: "failed", failure } as const;
    this.#stand(known, nextStanding(before, evidence, this.#stateContext()));
    if (known.standing.state !== before.state) this.#evaluate();
    else this.#evaluateSoon();
  }

  #takeIn(known: Known, members: Answer["members"] & object): readonly Known[] {
    const { reading } = known;
    // Who belongs to others, or to nobody, does not say who belongs here.
    if (reading === undefined || reading.condition.kind === "out") return [];
    if (known.standing.state === "wrong-cluster") return [];
    const { reported, id } = reading.identity;
    const all = reported ? [{ address: reported, id }, ...members] : members;
    const added = all.flatMap((member) => this.#roster.add(member, "member") ?? []);
    for (const each of added) this.#watch(each);
    return added;
  }

  #judgeState(known: Known): void {
    const { reading } = known;
    if (reading === undefined) return;
    const reference = this.#primary;
    const beside = { clusterId: this.#clusterId, reference, roster: this.#roster };
    const order = this.#orders[this.#roster.serverOf(known).name] ?? NO_ORDER;
    const after = nextStanding(known.standing, {
      kind: "answered",
      condition: reading.condition,
      lagMs: known === reference ? undefined : known.lag?.ms,
      wrong: wrongReason(known, beside),
      ordered: order.draining,
    }, this.#stateContext());
    this.#stand(known, after);
  }

  #stand(known: Known, standing: Standing): void {
    if (standing.sinceMs !== known.standing.sinceMs) known.sinceWallMs = this.#clock.wallMs();
    known.standing = standing;
  }

  #stateContext() {
    return { rules: this.#options.settings, nowMs: this.#clock.now() };
  }

  /** It is not whom a member has named. */
  #drop(known: Known): void {
    this.#unwatch(known);
    this.#roster.refuse(known.name);
    this.#roster.resolve();
    this.#evaluate();
  }

  #evaluateSoon(): void {
    this.#cancelSoft ??= this.#clock.after(SOFT_MS, () => this.#evaluate());
  }

  /** Decides anew, and tells what came of it. */
  #evaluate(): void {
    if (this.#stopped) return;
    this.#cancelSoft?.();
    this.#cancelSoft = undefined;
    if (this.#before !== undefined) {
      this.#topology = this.#before.topology; // it goes on until this one knows as much
      if (!this.#allAsked()) return;
      this.#before = undefined;
    }
    const nowMs = this.#clock.now();
    this.#forget();
    const before = this.#topology;
    const wasQuick = isQuick(this.#situation());
    const after = this.#nextTopology(before);
    this.#topology = after;
    this.#isTroubled = after.servers.some(({ state }) => state !== "up" && state !== "draining");
    const primary = this.#primary;
    // Without one, replicas are still measured by what the last one had.
    if (before.primary !== after.primary && primary) this.#lags.changePrimary(primary);
    const { lagMaxMs } = this.#options.settings;
    const changes = changesBetween(before, after, { lagMaxMs });
    if (changes.some(({ kind }) => kind !== "lag-crossed")) this.#changedMs = nowMs;
    for (const change of changes) this.events.add(change);
    for (const change of this.#failovers.observe(before, after)) this.events.add(change);
    this.#options.onTopology?.(after);
    if (this.#asked) this.#ready.resolve();
    // Who had a role before, and who gets one now, is known best by all servers together.
    const isHurried = !wasQuick && isQuick(this.#situation());
    if (before.primary !== after.primary || isHurried) this.#wakeAll();
  }

  #nextTopology(before: Topology): Topology {
    const { flavor, reason } = this.#flavor ??
      { flavor: flavorNamed("static"), reason: "no server has answered yet" };
    const after = topologyOf(this.#roster, {
      before,
      madeMs: Math.round(this.#clock.wallMs()),
      flavor,
      flavorReason: reason,
      clusterId: this.#clusterId ?? null,
      allAsked: this.#allAsked(),
      heldFor: this.#heldFor,
      settings: this.#options.settings.servers,
      orders: this.#orders,
      // The primary has been looked at since: what was not known then may be now.
      onRole: (known) => this.#lags.reckon(known),
    });
    return isNewEpoch(before, after) ? { ...after, epoch: before.epoch + 1 } : after;
  }

  /** Who is first to answer at the start must not win by that. */
  #allAsked(): boolean {
    return this.#asked ||= this.#roster.all.every(({ reading, failure }) => reading || failure);
  }

  #forget(): void {
    for (const known of this.#roster.forgettable(this.#options.settings.forgetAfterMs)) {
      this.#unwatch(known);
      this.#roster.remove(known.name);
    }
  }
}
