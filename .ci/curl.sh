#!/bin/sh
# Prints the path of curl, which the documentation's examples use and a test runs, and gets it where there is none: root
# installs Debian's, others unpack it in .postern/curl. Talk goes to stderr.
set -eu
cd "$(dirname "$0")/.."
tree=$PWD/.postern/curl

. .ci/apt.sh

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*: install curl 7.76 or newer, the test of the documentation needs it"
  exit 1
}

# curl_here prints the first curl that is new enough.
curl_here() {
  for name in curl "$tree/curl"; do
    if path=$(command -v "$name") && "$path" --fail-with-body --version >/dev/null 2>&1; then
      printf '%s\n' "$path"
      return
    fi
  done
  return 1
}

curl_here && exit
command -v apt-get >/dev/null || fail "there is no curl and no apt-get to install one"
candidate curl || refresh_lists
if [ "$(id -u)" = 0 ]; then
  say "installing curl"
  DEBIAN_FRONTEND=noninteractive apt install -y --no-install-recommends curl >&2 || fail "could not install curl"
else
  say "unpacking curl in $tree"
  get() { unpack "$tree" curl '^(curl|lib)' '^$'; }
  get || { refresh_lists && get; } || fail "could not fetch curl"
  cat >"$tree/curl" <<WRAPPER
#!/bin/sh
export LD_LIBRARY_PATH="$(find "$tree" -name 'lib*.so*' -exec dirname {} + | sort -u | tr '\n' ':')"
exec "$tree/usr/bin/curl" "\$@"
WRAPPER
  chmod +x "$tree/curl"
fi
rm -rf "$apt_lists" "$tree.new"
curl_here || fail "the curl that was fetched does not run"
