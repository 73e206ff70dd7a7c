// The Debian packages that tests need, and what each gives them.

/** Something tests need, with where it comes from. */
export interface PackagedRequirement {
  readonly name: string;
  /** Debian packages; none for what is used only where it is there already. */
  readonly packages: readonly string[];
  /** Programs that do, wherever they come from; none if only the packages count. */
  readonly programs: readonly string[];
}

function needs(
  name: string,
  packages: readonly string[],
  programs: readonly string[] = [],
): PackagedRequirement {
  return { name, packages, programs };
}

/** All that comes from packages, and toolchains that are used where they are. */
export const REQUIREMENTS: readonly PackagedRequirement[] = [
  needs("mariadb", ["mariadb-server", "mariadb-client", "openssl"], ["mariadbd", "mariadb"]),
  needs("mariadb-client-test", ["mariadb-test"], ["mariadb-client-test"]),
  needs("libmariadb", ["libmariadb-dev", "gcc", "libc6-dev"], ["gcc", "mariadb_config"]),
  needs("pymysql", ["python3-pymysql", "python3-cryptography"]),
  needs("mysqlclient", ["python3-mysqldb"]),
  needs("dbd-mysql", ["libdbd-mysql-perl"]),
  needs("dbd-mariadb", ["libdbd-mariadb-perl"]),
  needs("php", ["php-cli", "php-mysql"]),
  needs("ruby", ["ruby", "ruby-mysql2"]),
  needs("ansible", ["ansible"], ["ansible-playbook"]),
  needs("pt-query-digest", ["percona-toolkit"], ["pt-query-digest"]),
  needs("ss", ["iproute2"], ["ss"]),
  needs("tmux", ["tmux"], ["tmux"]),
  needs("sysbench", ["sysbench"], ["sysbench"]),
  needs("valgrind", ["valgrind"], ["valgrind", "vgdb"]),
  needs("haproxy", ["haproxy"], ["haproxy"]),
  needs("node", [], ["node"]),
  needs("go", [], ["go"]),
  needs("java", [], ["java", "javac", "mvn"]),
  needs("rust", [], ["cargo"]),
];

/** Every package of `REQUIREMENTS`. */
export const PACKAGES: readonly string[] = REQUIREMENTS.flatMap(({ packages }) => packages);

/** Those of `packages` that are not installed; all of them where there is no dpkg. */
export async function missingPackages(packages: readonly string[]): Promise<string[]> {
  if (Bun.which("dpkg-query") === null) return [...packages];
  const query = Bun.spawn(
    ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n", ...packages],
    { stdout: "pipe", stderr: "ignore" },
  );
  const installed = new Set<string>();
  for (const line of (await new Response(query.stdout).text()).split("\n")) {
    const [name, status] = line.split(" ");
    if (name !== undefined && status === "installed") installed.add(name);
  }
  return packages.filter((name) => !installed.has(name));
}
