#!/bin/sh
# Tries faults, races, random requests and the application's mix for longer than `make test` does, and prints what was tried and
# what failed: .ci/soak.sh MINUTES, which are those of the mix. All that the tests say is in .postern/soak.log.
set -eu
cd "$(dirname "$0")/.."
POSTERN_PG_BIN=$(.ci/setup.sh test)
POSTERN_PGBOUNCER=$(.ci/pgbouncer.sh)
CC=$(.ci/compiler.sh)
export POSTERN_PG_BIN POSTERN_PGBOUNCER CC
mkdir -p .postern
failed=0
POSTERN_SOAK=1 go test -count=1 -timeout 4h -v -run '^Test(Binary$|Faults|BinaryStart|BinaryStreams|BulkMemory|Race|Differential|Oracle|Cursor|Release)' ./cmd/postern ./cmd/release ./pgtests >.postern/soak.log 2>&1 || failed=1
grep -E '^ *(---|ok|FAIL)|_test\.go:[0-9]+: ' .postern/soak.log || true
go build -C cmd/bench -o "$PWD/bin/bench"
bin/bench soak -minutes "$1" 2>>.postern/soak.log || failed=1
[ "$failed" = 0 ] || echo "soak: something failed, see .postern/soak.log" >&2
exit "$failed"
