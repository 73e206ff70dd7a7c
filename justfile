# Recipes of the project. Each is reachable as `npm run NAME -- ARGUMENTS` too, which installs
# the packages first if need be.

export PATH := justfile_directory() / "node_modules/.bin:" + env("PATH")

# List the recipes.
default:
    @just --list

# Build the executable dist/mysqlproxy.
build:
    @node tools/build.mjs

# Install what the tests need and run them: all, or those under the given paths.
[no-exit-message]
test *ARGS: build
    @bun tests/setup/ensure.ts
    @node tools/test.mjs {{ ARGS }}

# Types, formatting, lint and architecture, of everything or of the given paths; quick.
[no-exit-message]
check *PATHS: (types PATHS)
    deno fmt --check --quiet {{ PATHS }}
    deno lint --quiet {{ PATHS }}
    node tools/test.mjs tests/architecture

# Without --no-script `bun check` would run the package's script of that name, this very file.

# Check the types.
types *PATHS:
    bun check --no-script --no-pretty {{ PATHS }}

# Format everything.
fmt:
    deno fmt --quiet

# Lint everything.
lint:
    deno lint --quiet

# Write the pages that are made from the source.
docs:
    @bun tools/docs.ts

# Try the proxy out before a database of its own; `--once` ends by itself, `--real` uses MariaDB or MySQL.
[no-exit-message]
demo *ARGS: build
    @dist/mysqlproxy demo {{ ARGS }}

# Compare the proxy with a direct connection and with other proxies; `--quick` takes a few minutes.
[no-exit-message]
bench *ARGS: build
    @bun bench/main.ts {{ ARGS }}

# Where the proxy's time goes under a load: functions by their share, and a profile for a flame graph.
[no-exit-message]
profile *ARGS:
    @BENCH_FROM_SOURCE=1 bun bench/profile.ts {{ ARGS }}

# Throw mutated bytes at the proxy; the argument is a seed.
fuzz *ARGS: build
    @bun tests/fuzz/main.ts {{ ARGS }}

# Play random programs of several sessions direct and through the proxy: 200,000, or --programs N.
soak *ARGS: build
    @bun tests/interleaving/main.ts {{ ARGS }}

# Hunt for stale reads on real clusters: a million reads, or --reads N.
hunt *ARGS: build
    @bun tests/setup/ensure.ts
    @bun tests/stale_reads/main.ts {{ ARGS }}

# Change the configuration a thousand times, or --changes N, while 64 clients work.
[no-exit-message]
reload *ARGS: build
    @bun tests/setup/ensure.ts
    @bun tests/reload/main.ts {{ ARGS }}

# A picture of kill -9 of a primary under load: dist/failover.svg; the arguments are the load's.
bench-failover *ARGS: build
    @bun tests/failover/main.ts --svg dist/failover.svg {{ ARGS }}

# sysbench's read_write over a kill -9 of a group's primary, with failover.replay; `--text`, `--threads N`.
sysbench-failover *ARGS: build
    @bun tests/setup/ensure.ts
    @bun tests/failover/sysbench_main.ts {{ ARGS }}

# Faults by chance on a real cluster under load, with a ledger: `--minutes N --seed S --cluster C`.
chaos *ARGS: build
    @bun tests/failover/chaos.ts {{ ARGS }}

# Play the servers' own test suites on read-only replicas: all files, or `--part N/M`, or these.
suites *ARGS:
    @bun tests/setup/ensure.ts
    @bun tests/replica_reads/main.ts {{ ARGS }}

# Draw docs/top.svg, what `top` shows of the failover that is recorded in docs/failover.jsonl.gz.
picture: build
    @bun tests/tui/picture.ts

# Measure what `top` costs before a proxy with 1,000 sessions, or as many as are given.
cost *ARGS: build
    @bun tests/tui/cost.ts {{ ARGS }}

# Remove what was built; what the tests installed stays in .cache.
clean:
    rm -rf dist
