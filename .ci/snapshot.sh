#!/bin/sh
# Copies sql/ to the newest snapshot of the migrations (migrations/snapshots/<number>), without its Go file.
set -eu
cd "$(dirname "$0")/.."
newest=$(ls migrations/snapshots 2>/dev/null | sort -n | tail -n 1)
snapshot=migrations/snapshots/${newest:-001}
rm -rf "$snapshot"
mkdir -p "$snapshot"
(cd sql && find . -name '*.sql') | while read -r file; do
  mkdir -p "$snapshot/$(dirname "$file")"
  cp "sql/$file" "$snapshot/$file"
done
