# Everything a developer does here; `make help` lists it. The shell logic is in .ci/.

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
BIN := bin/postern

.DEFAULT_GOAL := help
.PHONY: help run test race matrix soak bench build extension release freeze lint fmt setup setup-test conformance clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: ## serve the demo database on port 3000 (other flags: make run ARGS="--port 3100")
	@$(MAKE) --no-print-directory -j 2 setup build
	@exec $(BIN) demo $(ARGS)

test: lint ## check the code, then run every test (some packages: make test PACKAGES=./shell/...)
	@pg=$$(.ci/setup.sh test) && cc=$$(.ci/compiler.sh) && .ci/browser.sh >/dev/null && .ci/curl.sh >/dev/null && \
	  POSTERN_PG_BIN=$$pg CC=$$cc POSTERN_PGBOUNCER=$$(.ci/pgbouncer.sh) go test -parallel 4 $(or $(PACKAGES),./...) && \
	  { [ -n "$(PACKAGES)" ] || { cd cmd/bench && POSTERN_PG_BIN=$$pg go test ./...; }; }

race: ## run the tests, and the binary that they start, under Go's race detector
	@pg=$$(.ci/setup.sh test) && cc=$$(.ci/compiler.sh) && .ci/browser.sh >/dev/null && .ci/curl.sh >/dev/null && \
	  POSTERN_PG_BIN=$$pg CC=$$cc POSTERN_RACE=1 go test -race -timeout 40m ./...

VERSIONS := 14 15 16 17 18

# -count 1: go test does not see that TestMain reads POSTERN_PG_BIN, and would call another version's results its own.
matrix: ## run the tests of what is served on each PostgreSQL that is supported (some: make matrix VERSIONS="14 18")
	@cc=$$(.ci/compiler.sh) && .ci/browser.sh >/dev/null && .ci/curl.sh >/dev/null && for version in $(VERSIONS); do \
	  pg=$$(.ci/server.sh $$version) && echo "== PostgreSQL $$version" && POSTERN_PG_BIN=$$pg CC=$$cc POSTERN_MATRIX=1 \
	  go test -count 1 -timeout 30m ./pgtests ./cmd/postern/... ./cmd/extension || failed="$$failed $$version"; \
	  done; [ -z "$$failed" ] || { echo "failed on PostgreSQL$$failed"; exit 1; }

soak: ## try faults, races and an application's requests for long; the minutes of the latter: make soak MINUTES=30
	@.ci/soak.sh $(or $(MINUTES),30)

bench: setup ## measure an application's requests beside hand-written handlers (make bench ARGS="-help" tells what else)
	@go build -C cmd/bench -o $(CURDIR)/bin/bench
	@pg=$$(.ci/setup.sh server) && POSTERN_PG_BIN=$$pg bin/bench $(ARGS)

build: ## compile the binary to bin/postern
	@go build -o $(BIN) ./cmd/postern

extension: ## write the files of CREATE EXTENSION postern, for PGXN and pg_tle too, to bin/extension
	@go run ./cmd/extension bin/extension && ls bin/extension

release: ## write static binaries, their SBOMs and the checksums to bin/release
	@go run ./cmd/release build bin/release && ls bin/release

freeze: ## after a release: keep its functions for upgrades, and begin the version VERSION (make freeze VERSION=0.2.0)
	@go run ./cmd/release freeze "$(VERSION)"

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not formatted (make fmt mends it):"; echo "$$unformatted"; exit 1; }
	@for module in . cmd/bench; do (cd $$module && go vet ./... && go run $(STATICCHECK) ./...) || exit 1; done

fmt: ## format the Go code
	@gofmt -w .

setup: ## find PostgreSQL's server binaries, or get them
	@.ci/setup.sh server >/dev/null

setup-test: ## the same, with pgTAP and plpgsql_check
	@.ci/setup.sh test >/dev/null

conformance: setup build ## run PostgREST's own cases: make conformance SRC=<checkout of PostgREST>
	@[ -n "$(SRC)" ] || { echo "say where PostgREST's sources are: make conformance SRC=<directory>"; exit 1; }
	@[ -f ../shared/conformance/run.py ] || { echo "there is no ../shared/conformance/run.py"; exit 1; }
	@pg=$$(.ci/setup.sh server) && python3 ../shared/conformance/run.py --src $(SRC) --bin $(CURDIR)/$(BIN) \
	  --bin-args serve --prepare-cmd '$(CURDIR)/$(BIN) migrate' --pg-bin $$pg $(ARGS)

clean: build ## stop and remove what run, test and build made here
	@$(BIN) demo --remove
	@rm -rf .postern bin
