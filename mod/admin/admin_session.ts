// Who is connected to the admin port.

import type { AdminDatabase } from "./database.ts";
import type { AdminRole, AdminView } from "./view.ts";

/** One connection to the admin port. */
export interface AdminSession {
  readonly view: AdminView;
  /** The tables, the same for all connections of the role. */
  readonly tables: AdminDatabase;
  readonly id: number;
  readonly user: string;
  /** Its address; `localhost` for the unix socket. */
  readonly client: string;
  readonly role: AdminRole;
  /** The default database. */
  database: string;
}
