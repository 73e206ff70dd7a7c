// The files of the configuration: what they say, and writing to them what SQL has changed.

import {
  chmodSync,
  existsSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import {
  type ConfigTexts,
  formatAddress,
  formatConfigErrors,
  type LoadedConfig,
  overlayPath,
} from "../config/mod.ts";
import type { LiveConfig, Running } from "../proxy/mod.ts";
import { RefusedError, type Source } from "./table.ts";

/** What the files say, with the path of the first. */
export type OnDisk = Extract<LoadedConfig, { readonly text: string }> & { readonly file: string };

/** What the files say. @throws {RefusedError} If there is none, or it is wrong. */
export function readDisk({ live }: Running): OnDisk {
  if (live?.file === undefined) {
    throw new RefusedError("This proxy has no configuration file: it takes serve --config FILE");
  }
  const loaded = live.read();
  if (loaded.errors) {
    throw new RefusedError(`The file is wrong: ${formatConfigErrors(loaded.errors).join("\n")}`);
  }
  return { ...loaded, file: live.file };
}

/** As if the file's configuration were in force; who the servers are stays what is seen. */
export function diskSource(source: Source): Source {
  const { running } = source.view;
  const { config } = readDisk(running);
  const weights = new Map(
    config.servers.map(({ address, weight }) => [formatAddress(address), weight]),
  );
  const { cluster } = running;
  const properties: PropertyDescriptorMap = { config: { value: config } };
  if (cluster) {
    const { topology } = cluster;
    const backends = config.backends.map(formatAddress);
    const isOnDisk = ({ seed, name, aliases }: typeof topology.servers[number]) =>
      !seed || [name, ...aliases].some((each) => backends.includes(each));
    const servers = topology.servers.filter(isOnDisk).map((server) => {
      const names = [server.name, ...server.aliases];
      const own = names.find((name) => weights.has(name));
      return { ...server, weight: own === undefined ? 1 : weights.get(own)! };
    });
    const value = Object.create(cluster, { topology: { value: { ...topology, servers } } });
    properties["cluster"] = { value };
  }
  return { ...source, view: { ...source.view, running: Object.create(running, properties) } };
}

/**
 * Writes what has changed of the files, if they are right with it.
 *
 * @throws {RefusedError} If they are not, or cannot be written.
 */
export function writeBack(before: OnDisk, after: ConfigTexts, live: LiveConfig): void {
  const { errors } = live.read(after);
  if (errors) throw new RefusedError(formatConfigErrors(errors).join("\n"));
  live.noteWritten(after);
  const { file, config: { config: { overlayPath: overlay, writeBack } } } = before;
  if (after.text !== before.text) writeFile(file, after.text);
  if (after.overlay !== undefined && after.overlay !== before.overlay) {
    writeFile(overlayPath(file, { overlay, writeBack })!, after.overlay);
  }
}

/** Writes a file whole or not at all; a link to it stays a link. A new one is its owner's alone. */
function writeFile(file: string, text: string): void {
  let unfinished: string | undefined;
  try {
    const path = existsSync(file) ? realpathSync(file) : file;
    unfinished = `${path}.${process.pid}.new`;
    writeFileSync(unfinished, text, { mode: 0o600 });
    if (existsSync(path)) chmodSync(unfinished, statSync(path).mode & 0o777);
    renameSync(unfinished, path);
  } catch (error) {
    if (unfinished !== undefined) rmSync(unfinished, { force: true });
    throw new RefusedError(`Cannot write ${file}: ${(error as Error).message}`);
  }
}
