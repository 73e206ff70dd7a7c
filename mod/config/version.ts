// Which build this is. The build puts both names in (see tools/build.mjs); run from source there
// are none.

declare const MYSQLPROXY_VERSION: string | undefined;
declare const MYSQLPROXY_COMMIT: string | undefined;

/** The version of the package, or "development" when run from source. */
export const version: string = typeof MYSQLPROXY_VERSION === "string"
  ? MYSQLPROXY_VERSION
  : "development";

/** The abbreviated commit the executable was built from; empty when unknown. */
export const commit: string = typeof MYSQLPROXY_COMMIT === "string" ? MYSQLPROXY_COMMIT : "";
