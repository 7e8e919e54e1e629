#!/bin/sh
# Finds PostgreSQL's server binaries and gets them where there are none. Prints their directory; talk goes to stderr.
#   .ci/setup.sh server   a server
#   .ci/setup.sh test     a server that has pgTAP and plpgsql_check
# POSTERN_PG_BIN names a directory to take whatever else is there. Nothing that exists is started, stopped or altered:
# root gets Debian's packages without a cluster, others get them unpacked in .postern/deb (which needs no rights).
set -eu
cd "$(dirname "$0")/.."
mode=${1:-server}
tree=$PWD/.postern/deb
oldest=14

. .ci/apt.sh

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# The shared libraries of an unpacked tree are not where the system looks.
in_tree() {
  LD_LIBRARY_PATH=$(ls -d "$tree"/lib/*-linux-* "$tree"/usr/lib/*-linux-* 2>/dev/null | tr '\n' ':') "$@"
}

# Prints the major version of the server in a directory; fails where there is none.
version_in() {
  [ -x "$1/initdb" ] || return 1
  case $1 in
    "$tree"/*) in_tree "$1/postgres" -V ;;
    *) "$1/postgres" -V ;;
  esac 2>/dev/null | sed -n 's/^postgres (PostgreSQL) \([0-9]*\).*/\1/p' | grep .
}

# Prints the directory of the newest server found.
find_server() {
  if [ -n "${POSTERN_PG_BIN:-}" ]; then
    printf '%s\n' "$POSTERN_PG_BIN"
    return
  fi
  best=0 found=
  in_path=$(command -v postgres || true)
  for dir in ${in_path:+"$(dirname "$(readlink -f "$in_path")")"} "$(pg_config --bindir 2>/dev/null || true)" \
    /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin /opt/homebrew/opt/postgresql*/bin "$tree"/usr/lib/postgresql/*/bin; do
    if version=$(version_in "$dir") && [ "$version" -gt "$best" ] && [ "$version" -ge "$oldest" ]; then
      best=$version found=$dir
    fi
  done
  [ -n "$found" ] && printf '%s\n' "$found"
}

# Tells whether the server in a directory has what the tests load.
has_extensions() {
  share=$("$1/pg_config" --sharedir 2>/dev/null) || share=${1%/lib/postgresql/*}/share/postgresql/$(version_in "$1")
  [ -f "$share/extension/pgtap.control" ] && [ -f "$share/extension/plpgsql_check.control" ]
}

default_version() { depends postgresql | sed -n 's/^postgresql-\([0-9]*\)$/\1/p' | head -n 1; }

# As root: Debian's package, told not to make a cluster of its own; the file that tells so is taken away again.
install_server() {
  say "installing PostgreSQL (no cluster is made or started)"
  drop=/etc/postgresql-common/createcluster.d
  kept=yes
  [ -d "$drop" ] || kept=
  mkdir -p "$drop"
  trap 'rm -f "$drop/zz-postern.conf"' EXIT
  echo "create_main_cluster = false" >"$drop/zz-postern.conf"
  DEBIAN_FRONTEND=noninteractive apt install -y --no-install-recommends postgresql >&2
  rm -f "$drop/zz-postern.conf"
  trap - EXIT
  [ -n "$kept" ] || rmdir --ignore-fail-on-non-empty "$drop"
}

# As root, beside Debian's server: the extensions' files, unless that would touch the server itself.
install_extensions() {
  packages="postgresql-$1-pgtap postgresql-$1-plpgsql-check"
  for package in $packages; do candidate "$package" || return 1; done
  # shellcheck disable=SC2086
  if apt -s install --no-install-recommends $packages | grep -q "^Inst postgresql-$1 "; then
    return 1
  fi
  say "installing $packages"
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt install -y --no-install-recommends $packages >&2
}

# Without rights: the same packages and the libraries that are missing, less what an unpacked server does without
# (Debian's wrappers, Perl, the JIT compiler).
unpack_server() {
  packages="postgresql-$1"
  for package in "postgresql-$1-pgtap" "postgresql-$1-plpgsql-check"; do
    if candidate "$package"; then packages="$packages $package"; fi
  done
  say "unpacking PostgreSQL $1 in $tree"
  unpack "$tree" "$packages" "^(postgresql-$1(-.*)?|postgresql-client-$1|lib.*)\$" '^lib(llvm|perl|gdbm|z3|c-l10n|.*-perl$|.*-dev$)|-jit$' || return 1
  rm -f "$tree"/usr/lib/postgresql/*/lib/llvmjit.so
}

# The lists may be older than what the mirror has: then again with new ones.
get_unpacked() {
  { candidate "postgresql-$1" && unpack_server "$1"; } || { refresh_lists && unpack_server "$1"; }
}

if [ -n "${POSTERN_PG_BIN:-}" ]; then
  version_in "$POSTERN_PG_BIN" >/dev/null || fail "POSTERN_PG_BIN=$POSTERN_PG_BIN holds no PostgreSQL server"
fi
server=$(find_server) || true
if [ -z "$server" ]; then
  command -v apt-get >/dev/null ||
    fail "no PostgreSQL server found and no apt-get to install one: install PostgreSQL $oldest or newer, or name its directory in POSTERN_PG_BIN"
  candidate postgresql || refresh_lists
  if [ "$(id -u)" = 0 ]; then
    install_server
  else
    get_unpacked "$(default_version)" || fail "could not fetch PostgreSQL's packages"
  fi
  server=$(find_server) || fail "PostgreSQL was installed, but no server is found"
fi

if [ "$mode" = test ] && ! has_extensions "$server"; then
  version=$(version_in "$server")
  if [ "$(id -u)" = 0 ] && [ "$server" = "/usr/lib/postgresql/$version/bin" ]; then
    candidate "postgresql-$version-pgtap" || refresh_lists
    install_extensions "$version" || true
  fi
  if ! has_extensions "$server"; then
    unpacked=$(ls -d "$tree"/usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
    if [ -z "$unpacked" ] || ! has_extensions "$unpacked"; then
      candidate "postgresql-$version-pgtap" || refresh_lists
      candidate "postgresql-$version-pgtap" || version=$(default_version)
      get_unpacked "$version" || fail "could not fetch PostgreSQL's packages"
      unpacked=$(ls -d "$tree"/usr/lib/postgresql/*/bin | tail -n 1)
    fi
    has_extensions "$unpacked" || fail "pgTAP and plpgsql_check are not to be had for PostgreSQL $version: the tests need both"
    say "the server in $server lacks pgTAP or plpgsql_check: taking the one in $unpacked"
    server=$unpacked
  fi
fi
rm -rf "$apt_lists" "$tree.new"
printf '%s\n' "$server"
