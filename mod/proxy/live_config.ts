// The configuration of a proxy that runs: what a new one would change, putting it in force as a whole,
// and going back. Control plane; one change after the other.

import {
  checkNamedFiles,
  type Config,
  type ConfigChange,
  configChanges,
  type ConfigError,
  type ConfigTexts,
  formatConfigErrors,
  liveConfig,
  type LoadedConfig,
} from "../config/mod.ts";
import type { LeveledLog } from "../observe/mod.ts";
import { logSettings } from "./log_settings.ts";
import type { Running } from "./running.ts";
import type { ClusterWatch } from "./watch_cluster.ts";

/** Revisions that can be gone back to. */
const REVISIONS_MAX = 50;

/** A configuration that was in force, or is. */
export interface ConfigRevision {
  /** Counts up from 1. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Who wanted it: `start`, `SIGHUP`, `file`, `rollback` or an account of the admin port. */
  readonly by: string;
  readonly config: Config;
  readonly sources: ReadonlyMap<string, string>;
  /** The texts that it was read from. */
  readonly text: string;
  readonly overlay: string | undefined;
  readonly changes: readonly ConfigChange[];
}

/** What has become of a new configuration. */
export type ConfigOutcome =
  | {
    readonly kind: "applied";
    readonly revision: number;
    /** With those that take a restart, which are not in force. */
    readonly changes: readonly ConfigChange[];
  }
  /** It is wrong, or something it names cannot be read: nothing has changed. */
  | { readonly kind: "refused"; readonly reasons: readonly string[] };

/** Reads a configuration as at the start: texts in place of the files, or the files themselves. */
export type ConfigLoader = (texts?: GivenTexts) => LoadedConfig;

/** Texts in place of the files. */
export interface GivenTexts extends Partial<ConfigTexts> {
  /** What the text is called in errors. @default the file's path */
  readonly textName?: string;
}

/** What a configuration reaches. */
interface Reach {
  readonly running: Running;
  readonly watch: ClusterWatch;
  readonly log: LeveledLog;
  readonly load: ConfigLoader;
  /** The file; undefined: there is none. */
  readonly file: string | undefined;
}

/** What a configuration was read from, with what it says. */
type Loaded = Extract<LoadedConfig, { readonly config: Config }>;

/** The revisions of one proxy. */
export class LiveConfig {
  readonly #reach: Reach;
  readonly #revisions: ConfigRevision[];
  /** What the proxy itself has written to the files last. */
  #written: ConfigTexts | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** Told of each configuration that was put in force. */
  onApplied: (config: Config) => void = () => {};

  /** @param config The one in force. @param loaded What it was read from. */
  constructor(config: Config, { sources, text, overlay }: Loaded, reach: Reach) {
    this.#reach = reach;
    this.#revisions = [
      { number: 1, atMs: Date.now(), by: "start", config, sources, text, overlay, changes: [] },
    ];
  }

  /** The file that it is read from; undefined: there is none. */
  get file(): string | undefined {
    return this.#reach.file;
  }

  /** What the file says now, with flags and variables as at the start; nothing is put in force. */
  read(texts?: Partial<ConfigTexts>): LoadedConfig {
    return this.#reach.load(texts);
  }

  /** The one in force. */
  get current(): ConfigRevision {
    return this.#revisions.at(-1)!;
  }

  /** The oldest first. */
  get revisions(): readonly ConfigRevision[] {
    return this.#revisions;
  }

  /** What texts in place of the files would change. */
  diff(texts: GivenTexts): readonly ConfigChange[] | readonly string[] {
    const loaded = this.#checked(texts);
    if (loaded.errors) return complaints(loaded.errors);
    return configChanges(this.current.config, loaded.config, loaded.sources);
  }

  /** Why texts could not be put in force now; none: they could. Nothing is changed. */
  async reasonsAgainst(texts: Partial<ConfigTexts>): Promise<readonly string[]> {
    const loaded = this.#checked(texts);
    if (loaded.errors) return complaints(loaded.errors);
    const wanted = liveConfig(this.current.config, loaded.config);
    const reason = await this.#reach.watch.reasonAgainst(wanted);
    return reason === undefined ? [] : [reason];
  }

  /** Puts texts in force, or the files as they are now. */
  apply(texts: GivenTexts, by: string): Promise<ConfigOutcome> {
    return this.#next(async () => {
      const loaded = this.#checked(texts);
      if (loaded.errors) return { kind: "refused", reasons: complaints(loaded.errors) };
      return await this.#put(loaded, by);
    });
  }

  /**
   * The files have changed: puts them in force. Undefined: it was the proxy that has written them, and
   * what it holds beside them stays.
   */
  async applyChanged(): Promise<ConfigOutcome | undefined> {
    const { text, overlay } = { text: undefined, overlay: undefined, ...this.#reach.load() };
    const written = this.#written;
    if (written && written.text === text && written.overlay === overlay) return undefined;
    this.#written = undefined;
    return await this.apply({}, "file");
  }

  /** The proxy itself has written to the files: this is in them now. */
  noteWritten({ text, overlay }: ConfigTexts): void {
    this.#written = { text, overlay };
  }

  /** Goes back to a revision, by default to the one before; that is a new revision too. */
  rollback(number: number | undefined): Promise<ConfigOutcome> {
    return this.#next(async () => {
      const found = number === undefined
        ? this.#revisions.at(-2)
        : this.#revisions.find((each) => each.number === number);
      if (found === undefined) {
        const reason = number === undefined
          ? "there is no revision before this one"
          : `there is no revision ${number}, or not any more`;
        return { kind: "refused", reasons: [reason] };
      }
      return await this.#put(found, "rollback");
    });
  }

  /** With the files that it names: what is wrong with those is known by its line here, and later not. */
  #checked(texts: GivenTexts): LoadedConfig {
    const loaded = this.#reach.load(texts);
    if (loaded.errors) return loaded;
    const errors = checkNamedFiles(loaded, this.current.config);
    return errors.length > 0 ? { errors } : loaded;
  }

  #next<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => {});
    return result;
  }

  async #put(
    { config: wanted, sources, text, overlay }: Omit<Loaded, "errors" | "placeOf">,
    by: string,
  ): Promise<ConfigOutcome> {
    const { running, watch, log } = this.#reach;
    const before = this.current;
    const changes = configChanges(before.config, wanted, sources);
    const isNew = changes.some(({ live }) => live);
    const number = isNew ? before.number + 1 : before.number;
    const config: Config = { ...liveConfig(before.config, wanted), revision: number };
    // Also where nothing differs: certificates are read again.
    const failure = await watch.reasonAgainst(config) ?? await running.configure(config);
    if (failure !== undefined) return { kind: "refused", reasons: [failure] };
    log.configure(logSettings(config));
    if (isNew) {
      await watch.reconfigure(config);
      running.metrics().setDigestsMax(config.metrics.digestsMax);
      running.credentials.reconfigure(config);
      const files = { sources, text, overlay };
      this.#revisions.push({ number, atMs: Date.now(), by, config, ...files, changes });
      if (this.#revisions.length > REVISIONS_MAX) this.#revisions.shift();
      const keys = changes.filter(({ live }) => live).map(({ key }) => key).join(", ");
      log.of("config").info("configuration applied", { revision: number, by, keys });
      this.onApplied(config);
    }
    const waiting = changes.filter(({ live }) => !live).map(({ key }) => key);
    if (waiting.length > 0) {
      log.of("config").warn("changes need a restart", { keys: waiting.join(", ") });
    }
    return { kind: "applied", revision: number, changes };
  }
}

function complaints(errors: readonly ConfigError[]): readonly string[] {
  return formatConfigErrors(errors);
}
