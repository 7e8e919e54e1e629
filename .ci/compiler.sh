#!/bin/sh
# Prints the C compiler that cgo is to use (one test parses SQL with PostgreSQL's own parser, which is C), and gets one
# where there is none: root installs Debian's gcc, others unpack it in .postern/cc. Prints nothing if none is to be had.
set -eu
cd "$(dirname "$0")/.."
tree=$PWD/.postern/cc

say() { printf 'setup: %s\n' "$*" >&2; }

for name in ${CC:+"$CC"} gcc cc clang "$tree/gcc"; do
  if echo 'int main(void) { return 0; }' | $name -x c -o /dev/null - 2>/dev/null; then
    printf '%s\n' "$name"
    exit
  fi
done
command -v apt-get >/dev/null || exit 0

. .ci/apt.sh
candidate gcc || refresh_lists
if [ "$(id -u)" = 0 ]; then
  say "installing gcc"
  DEBIAN_FRONTEND=noninteractive apt install -y --no-install-recommends gcc libc6-dev >&2 && echo gcc
  exit 0
fi

say "unpacking gcc in $tree"
unpack "$tree" "gcc libc6-dev" '^(cpp|gcc|binutils|lib|linux-libc-dev)' '^lib(asan|tsan|lsan|ubsan|itm|gomp|quadmath|tirpc|nsl|gprofng)' || exit 0
# The linker scripts of the C library name files of the system; those that are in the tree only are named there.
libraries=$(dirname "$(ls "$tree"/usr/lib/*/crt1.o)")
triplet=$(basename "$libraries")
for script in "$libraries"/*.so; do
  if head -c 4 "$script" 2>/dev/null | grep -q '^/\* '; then
    sed -i "s#/usr/lib/$triplet/\\([a-z_]*\\)\\.a#$libraries/\\1.a#g" "$script"
  fi
done
cat >"$tree/gcc" <<WRAPPER
#!/bin/sh
export LD_LIBRARY_PATH="$libraries:$tree/lib/$triplet" PATH="$tree/usr/bin:\$PATH"
exec "$tree/usr/bin/gcc" -B"$libraries" -L"$libraries" -isystem "$tree/usr/include/$triplet" -isystem "$tree/usr/include" "\$@"
WRAPPER
chmod +x "$tree/gcc"
rm -rf "$apt_lists"
exec "$0"
