// The configuration: TOML keys, defaults, validation with places, and the value made of them.

export type {
  Account,
  Auth,
  AuthMode,
  BackendTls,
  BackendTlsMode,
  ClientTls,
  ClientTlsMode,
  Cluster,
  ClusterFlavor,
  Compression,
  CompressionMethod,
  Config,
  ConsistencyLevel,
  Endpoint,
  FailoverConfig,
  Limits,
  Monitor,
  Pool,
  ProxyProtocol,
  Route,
  Rule,
  ServerConfig,
  Tcp,
  UserAccount,
  UserPlugin,
  UserSecret,
} from "./config.ts";
export type { AuditSettings, Log, LogLevel, StatementLogSettings } from "./logs.ts";
export type { ListenAddress, ServerAddress, TcpAddress, UnixAddress } from "./address.ts";
export { formatAddress, parseAddress } from "./address.ts";
export type { Network } from "./network.ts";
export { formatNetwork, parseNetwork } from "./network.ts";
export { type ConfigEdit, editConfig, type TomlValue } from "./edit.ts";
export type { ConfigError } from "./errors.ts";
export { formatConfigErrors } from "./errors.ts";
export { type ConfigTexts, editTexts, overlayPath, type WriteBack } from "./overlay.ts";
export type { ConfigSources, LoadedConfig } from "./load.ts";
export { defaultConfig, loadConfig, readGiven, UNNAMED_TEXT } from "./load.ts";
export { checkNamedFiles } from "./named_files.ts";
export { LOG_MODULES, type LogModule, parseModuleLevel } from "./log_sections.ts";
export type { KeyDescription, SectionDescription } from "./keys.ts";
export { allKeys, describeConfig } from "./keys.ts";
export type { Flag, KeyInfo, KeyText, Kind } from "./kinds.ts";
export type { SectionInfo } from "./section.ts";
export { type ConfigChange, configChanges, isLive, liveConfig } from "./live.ts";
export { nearest } from "./nearest.ts";
export { properties } from "./properties.ts";
export { configReference, configTemplate } from "./reference.ts";
export { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";
export { commit, version } from "./version.ts";
export { workerCount } from "./worker_count.ts";
