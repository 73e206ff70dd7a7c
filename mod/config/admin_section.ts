// The keys about how the proxy is looked at.

import * as v from "valibot";
import { boolean, choice, integer, optionalAddress, path, text } from "./kinds.ts";
import { section } from "./section.ts";

/** `[admin]`. */
export const admin = v.pipe(
  section(
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
      writer_hostgroup: integer(0, { min: 0, max: 2_147_483_647 }, {
        doc: "The number that tools for ProxySQL find the primary under.",
      }),
      reader_hostgroup: integer(1, { min: 0, max: 2_147_483_647 }, {
        doc: "The number that they find all other servers under.",
      }),
    },
  ),
  v.forward(
    v.partialCheck(
      [["writer_hostgroup"], ["reader_hostgroup"]],
      ({ writer_hostgroup: writer, reader_hostgroup: reader }) => writer !== reader,
      "must be another one than `writer_hostgroup`",
    ),
    ["reader_hostgroup"],
  ),
);

/** `[metrics]`. */
export const metrics = section("What is measured of statements.", {
  statements: boolean(true, {
    doc:
      "Whether statements are counted and timed, by digest, stage and server. It costs about a hundredth of the proxy's time.",
  }),
  digests_max: integer(5000, { min: 10, max: 100_000 }, {
    doc:
      "Digests kept, each server's on its own. Of more the ones seen longest ago go. Each takes about 2 KiB.",
  }),
});

/** `[http]`. */
export const http = section("The HTTP port for metrics and health.", {
  listen: optionalAddress(3309, {
    doc: "Where it listens.",
    flag: {
      names: "--http",
      value: "address",
      help: "HTTP port for metrics and health, off by default",
    },
  }),
  api: choice(["local", "all", "off"], "local", {
    doc:
      "Who gets the tables under `/api`, which tell of users, addresses and statements: this machine alone, everybody who reaches the port, or nobody.",
  }),
});

/** `[config]`. */
export const changes = section("The files of the configuration.", {
  write_back: choice(["file", "overlay"], "file", {
    doc:
      "Where changes by SQL are written (`SET PERSIST`, ProxySQL's `SAVE … TO DISK`): into this file, whose comments stay, or into the overlay.",
  }),
  overlay: path({
    doc:
      "A second file whose keys, and lists as a whole, take the place of this one's. None: where changes go to an overlay, the one beside this file, `mysqlproxy.overlay.toml` for `mysqlproxy.toml`. It need not be there.",
  }),
});
