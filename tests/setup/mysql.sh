#!/bin/bash
# mysql.sh DEST [PACKAGE...]: MySQL's server and client programs (or these packages of it) from
# Debian's unstable release, unpacked into DEST with the shared libraries (libc included) they were
# built for; nothing is installed on the machine and no root is needed. Each program becomes a
# wrapper that starts it through DEST's own dynamic loader, so that any Debian release can run it.
set -euo pipefail
export LC_ALL=C
dest=$1 series=9.7
shift
[ $# -gt 0 ] || set -- mysql-server-core mysql-client-core

fail() { echo "$*" >&2; exit 1; }
for tool in apt-get dpkg dpkg-deb awk tar; do
  command -v "$tool" >/dev/null || fail "no $tool here: the packages come through apt"
done

work=$dest.$$
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$work"/{lists/partial,archives/partial,debs} "$root/bin"

. "${BASH_SOURCE%/*}/unstable.sh"

# The packages and every library package they depend on, transitively.
/usr/lib/apt/apt-helper cat-file "$work"/lists/*_Packages* | awk -v first="$*" '
  /^Package: / { package = $2 }
  /^Version: / { version[package] = $2 }
  /^(Pre-)?Depends: / { sub(/^[^:]*: /, ""); depends[package] = depends[package] ", " $0 }
  /^Provides: / {
    sub(/^[^:]*: /, ""); count = split($0, names, /, */)
    for (i = 1; i <= count; i++) { sub(/[ (:].*/, "", names[i]); provider[names[i]] = package }
  }
  function want(name) { if (!(name in wanted)) { wanted[name] = 1; queue[++length_] = name } }
  END {
    count = split(first, names, " ")
    for (i = 1; i <= count; i++) want(names[i])
    for (i = 1; i <= length_; i++) {
      package = queue[i]
      if (!(package in version)) { print "MISSING", package; continue }
      print package "=" version[package]
      count = split(depends[package], groups, /, */)
      for (j = 1; j <= count; j++) {
        alternatives = split(groups[j], names, / *\| */)
        for (k = 1; k <= alternatives; k++) {
          name = names[k]; sub(/[ (:].*/, "", name)
          if (name !~ /^(lib|zlib1g$|gcc-[0-9]+-base$)/ || name ~ /-perl$/) continue
          if (!(name in version) && name in provider) name = provider[name]
          want(name); break
        }
      }
    }
  }' >"$work/wanted"
! grep MISSING "$work/wanted" >&2 || fail "sid lacks packages (above)"
grep -q "^$1=$series\." "$work/wanted" ||
  fail "sid has $(grep "^$1=" "$work/wanted"), not MySQL $series"

(cd "$work/debs" && xargs apt-get -q download <"$work/wanted" >"$work/download.log" 2>&1) ||
  fail "cannot fetch MySQL's packages: $(grep ^E: "$work/download.log")"
for package in "$work"/debs/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --no-same-owner \
    --keep-directory-symlink --exclude=./usr/share/{doc,man,locale} --exclude='./usr/lib/*/gconv'
done

cd "$root"
loader=$(find usr/lib -name 'ld-linux*.so.*' | sort | head -n 1)
[ -n "$loader" ] || fail "no dynamic loader among the packages"
libraries="\$root/${loader%/*}"
for folder in usr/lib/mysql-router usr/lib/mysqlrouter/plugin; do
  [ ! -d "$folder" ] || libraries+=":\$root/$folder"
done
for program in usr/sbin/* usr/bin/*; do
  [ -f "$program" ] && [ ! -L "$program" ] || continue
  if [ "$(head -c 4 "$program" | tr -d '\0')" = $'\x7fELF' ]; then
    mv "$program" "$program.elf"
    cat >"$program" <<WRAPPER
#!/bin/sh
self=\$(readlink -f -- "\$0"); root=\${self%/$program}
exec "\$root/$loader" --inhibit-cache --library-path "$libraries" \\
  --argv0 "\$self" "\$self.elf" "\$@"
WRAPPER
    chmod 755 "$program"
  fi
  ln -s "../$program" "bin/${program##*/}"
done
for program in "mysqld --no-defaults" "mysql --no-defaults" mysqlrouter; do
  [ ! -e "bin/${program%% *}" ] || bin/$program --version >/dev/null ||
    fail "the unpacked ${program%% *} does not run here"
done
rm -rf "$dest"
mv "$root" "$dest"
