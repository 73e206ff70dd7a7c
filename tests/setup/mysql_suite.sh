#!/bin/bash
# mysql_suite.sh DEST: the .test files of MySQL's own test suite into DEST, from the package that
# Debian's unstable release has; nothing is installed on the machine and no root is needed.
set -euo pipefail
export LC_ALL=C
dest=$1

fail() { echo "$*" >&2; exit 1; }
for tool in apt-get dpkg dpkg-deb awk tar; do
  command -v "$tool" >/dev/null || fail "no $tool here: the package comes through apt"
done
work=$dest.$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,archives/partial,debs,files}
. "${BASH_SOURCE%/*}/unstable.sh"

(cd "$work/debs" && apt-get -q download mysql-testsuite >"$work/download.log" 2>&1) ||
  fail "cannot fetch MySQL's test suite: $(grep ^E: "$work/download.log")"
dpkg-deb --fsys-tarfile "$work"/debs/*.deb |
  tar -x -C "$work/files" --no-same-owner --wildcards '*.test'
rm -rf "$dest"
mv "$work/files" "$dest"
