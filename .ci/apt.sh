# Sourced by the set-up scripts: apt without rights. The caller defines say, and runs in the repository's root.

# apt with lists of our own where the system has none and we may not fetch them.
apt_lists=$PWD/.postern/apt
apt_options=
# shellcheck disable=SC2086 # the options are several words
apt() { apt-get -qq $apt_options "$@"; }
# shellcheck disable=SC2086
candidate() { apt-cache $apt_options policy "$1" 2>/dev/null | grep -q 'Candidate: [0-9]'; }
# shellcheck disable=SC2086
depends() { apt-cache $apt_options depends "$1" | sed -n 's/.*Depends: //p'; }

refresh_lists() {
  if [ "$(id -u)" != 0 ]; then
    mkdir -p "$apt_lists/lists/partial" "$apt_lists/cache/archives/partial"
    apt_options="-o Dir::State::lists=$apt_lists/lists -o Dir::Cache=$apt_lists/cache -o Dir::State::status=/var/lib/dpkg/status"
  fi
  say "fetching the package lists"
  apt update >&2
}

# unpack DIRECTORY PACKAGES WANTED UNWANTED: unpacks the packages, and what they need that is not installed, in the
# directory; of all these, those whose names match the one pattern and not the other.
unpack() {
  command -v dpkg >/dev/null || return 1
  rm -rf "$1.new"
  mkdir -p "$1.new"
  # shellcheck disable=SC2086
  chosen=$(apt -s -o Debug::NoLocking=1 install --reinstall --no-install-recommends $2 |
    sed -n 's/^Inst \([^ ]*\).*/\1/p' | grep -E "$3" | grep -vE "$4" || true)
  [ -n "$chosen" ] || return 1
  # shellcheck disable=SC2086
  (cd "$1.new" && apt download $chosen >&2) || return 1
  for package in "$1.new"/*.deb; do
    dpkg -x "$package" "$1.new" || return 1
    rm "$package"
  done
  rm -rf "$1"
  mv "$1.new" "$1"
}
