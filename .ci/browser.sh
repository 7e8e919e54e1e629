#!/bin/sh
# Prints the path of a Chromium or Chrome that tests drive without a screen, and gets one where there is none: root installs
# Debian's chromium-headless-shell, others unpack it in .postern/chromium. Talk goes to stderr.
set -eu
cd "$(dirname "$0")/.."
tree=$PWD/.postern/chromium
package=chromium-headless-shell

. .ci/apt.sh

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*: install Chromium or Chrome, the test of the documentation page needs one"
  exit 1
}

# browser prints the first browser that runs. Ubuntu's chromium is only a script that asks for a snap.
browser() {
  for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable "$tree/chromium"; do
    if path=$(command -v "$name") && "$path" --version >/dev/null 2>&1; then
      printf '%s\n' "$path"
      return
    fi
  done
  return 1
}

browser && exit
command -v apt-get >/dev/null || fail "there is no browser and no apt-get to install one"
candidate "$package" || refresh_lists
candidate "$package" || fail "there is no browser, and no package $package"
if [ "$(id -u)" = 0 ]; then
  say "installing $package"
  DEBIAN_FRONTEND=noninteractive apt install -y --no-install-recommends "$package" fonts-dejavu-core >&2 || {
    refresh_lists # they may be older than what the mirror has
    DEBIAN_FRONTEND=noninteractive apt install -y --no-install-recommends "$package" fonts-dejavu-core >&2
  } || fail "could not install $package"
else
  say "unpacking $package in $tree"
  get() { unpack "$tree" "$package fonts-dejavu-core" '^(chromium|lib|fonts-dejavu-core)' '^$'; }
  get || { refresh_lists && get; } || fail "could not fetch $package"
  cat >"$tree/fonts.conf" <<FONTS
<fontconfig><dir>$tree/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>$tree/cache</cachedir></fontconfig>
FONTS
  cat >"$tree/chromium" <<WRAPPER
#!/bin/sh
export LD_LIBRARY_PATH="$(find "$tree" -name 'lib*.so*' -exec dirname {} + | sort -u | tr '\n' ':')"
export FONTCONFIG_FILE="$tree/fonts.conf"
exec "$tree/usr/lib/chromium/chromium-headless-shell" "\$@"
WRAPPER
  chmod +x "$tree/chromium"
fi
rm -rf "$apt_lists" "$tree.new"
browser || fail "the browser that was fetched does not run"
