# Two commands matter: `make run` starts the tour, `make test` runs every test. Both install what is missing.
# A fresh Debian 12 with Go and make is enough; packages are installed as root.

GO ?= go
FUZZTIME ?= 30s
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2

# What the binary is built with, and what the benchmark runs beside it.
BUILD_PACKAGES = gcc libc6-dev pkg-config libluajit2-5.1-dev libpcre2-dev
BENCH_PACKAGES = nginx-core libnginx-mod-stream haproxy

.PHONY: run test race build bench fuzz lint setup setup-bench clean

run: build
	@cat examples/tour/TRY
	@exec ./weir -p examples/tour -c nginx.conf -e stderr

build: setup
	$(GO) build -o weir ./cmd/weir

test: setup
	$(GO) vet ./...
	$(GO) test ./...

# The same under the race detector, the end-to-end tests' server included.
race: setup
	$(GO) test -race ./...

bench: build setup-bench
	$(GO) run ./bench

# Every parser's fuzz target, FUZZTIME each.
fuzz: setup
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

lint: setup
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# install(packages): those of them that are missing; asks the package index only then.
define install
	@missing=$$(for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q '^install ok installed' || echo $$p; done); \
	test -z "$$missing" || { apt-get update -q && \
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; }
endef

setup:
	$(call install,$(BUILD_PACKAGES))

setup-bench: setup
	$(call install,$(BENCH_PACKAGES))

clean:
	rm -f weir
