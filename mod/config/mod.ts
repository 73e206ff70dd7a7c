// The configuration: TOML keys, defaults, validation with places, and the value made of them.

export type {
  Account,
  Auth,
  AuthMode,
  BackendTls,
  BackendTlsMode,
  ClientTls,
  ClientTlsMode,
  Compression,
  CompressionMethod,
  Config,
  Endpoint,
  Limits,
  Log,
  LogLevel,
  Pool,
  ProxyProtocol,
  Tcp,
  UserAccount,
  UserPlugin,
  UserSecret,
} from "./config.ts";
export type { ListenAddress, ServerAddress, TcpAddress, UnixAddress } from "./address.ts";
export { formatAddress, parseAddress } from "./address.ts";
export type { Network } from "./network.ts";
export { formatNetwork, parseNetwork } from "./network.ts";
