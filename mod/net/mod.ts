// Sockets: streams with write queues and back-pressure, TLS, compression, the PROXY protocol.

export * from "./compressed_stream.ts";
export * from "./dial.ts";
export { eventTime } from "./event_clock.ts";
export * from "./libc.ts";
export * from "./listen.ts";
export * from "./listening_sockets.ts";
export * from "./packet_channel.ts";
export * from "./proxy_protocol.ts";
export * from "./self_signed.ts";
export * from "./steer.ts";
export * from "./stream.ts";
