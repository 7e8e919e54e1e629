#!/bin/sh
# Prints the path of pgbouncer, which a test puts before the database, and gets it where there is none: it is unpacked in
# .postern/pgbouncer, for root too, as Debian's package would start a server. Prints nothing if it is not to be had. Talk goes to stderr.
set -eu
cd "$(dirname "$0")/.."
tree=$PWD/.postern/pgbouncer

. .ci/apt.sh

say() { printf 'setup: %s\n' "$*" >&2; }

for name in pgbouncer /usr/sbin/pgbouncer "$tree/pgbouncer"; do
  if path=$(command -v "$name"); then
    printf '%s\n' "$path"
    exit
  fi
done
command -v apt-get >/dev/null || exit 0
candidate pgbouncer || refresh_lists
say "unpacking pgbouncer in $tree"
get() { unpack "$tree" pgbouncer '^(pgbouncer|lib)' '^$'; }
get || { refresh_lists && get; } || exit 0
cat >"$tree/pgbouncer" <<WRAPPER
#!/bin/sh
export LD_LIBRARY_PATH="$(find "$tree" -name 'lib*.so*' -exec dirname {} + | sort -u | tr '\n' ':')"
exec "$tree/usr/sbin/pgbouncer" "\$@"
WRAPPER
chmod +x "$tree/pgbouncer"
rm -rf "$apt_lists" "$tree.new"
printf '%s\n' "$tree/pgbouncer"
