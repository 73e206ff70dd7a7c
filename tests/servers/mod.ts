// Real MariaDB and MySQL servers for tests.

export { type Account, type Accounts, accountsOf, type ServerKind } from "./accounts.ts";
export { type Certificates, certificates } from "./certificates.ts";
export { freshBinlog } from "./binlogs.ts";
export { freePort, supervise, type SupervisedProcess } from "./process.ts";
export { mariadbProgram, mysqlProgram } from "./programs.ts";
export {
  isReplicating,
  type RealServer,
  type Row,
  type ServerOptions,
  startMariadb,
  startMysql,
  startServer,
} from "./real_server.ts";
export { freshDatabase, serverKinds, sharedServer, sharedServers } from "./shared_servers.ts";
