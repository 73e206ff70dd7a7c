// The keys about the admin port.

import { optionalAddress, text } from "./kinds.ts";
import { section } from "./section.ts";

/** `[admin]`. */
export const admin = section(
  "The admin port: the MySQL protocol about the proxy itself. Accounts are `admin`, who may do all, and `stats`, who may read.",
  {
    listen: optionalAddress(3308, {
      doc: "Where it listens.",
      flag: { names: "--admin", value: "address", help: "admin port, off by default" },
    }),
    socket: text("auto", {
      doc:
        "A unix socket of it, for the user that runs the proxy and root, who need no password: a path, `off`, or `auto` for `admin-PORT.sock` in a directory of that user (`$RUNTIME_DIRECTORY`, `$XDG_RUNTIME_DIR/mysqlproxy` or `/tmp/mysqlproxy-UID`).",
    }),
    password: text("", {
      doc:
        "Password of `admin`. Without one, and without `account.user`, `admin` and `stats` come in without a password from this machine.",
      secret: true,
    }),
    stats_password: text("", {
      doc: "Password of `stats`. Without one there is no `stats` from other machines.",
      secret: true,
    }),
  },
);
