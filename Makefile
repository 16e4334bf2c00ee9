# Two commands matter: `make run` starts the tour, `make test` runs every test. Both install what is missing.
# A fresh Debian 12 with Go and make is enough; packages are installed as root.

GO ?= go
FUZZTIME ?= 30s
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2

# What the binary is built with, what the tests run, and what the benchmark runs beside it.
BUILD_PACKAGES = gcc libc6-dev pkg-config libluajit2-5.1-dev libpcre2-dev
TEST_PACKAGES = lua-cjson lua-resty-lrucache memcached redis-server nginx-core openssh-server openssh-client curl openssl python3
BENCH_PACKAGES = nginx-core libnginx-mod-stream haproxy

# The workloads of the benchmark that the compiler's profile is of.
PROFILED = ^(connect|pingpong64|pingpong1000|echo64|echo1000|lua_cosocket)$$

# Lua libraries for examples/libraries: Debian's, and those in the checkouts that LUA_LIBS names.
LIBRARIES = examples/libraries/lib
LUA_LIBS ?=

.PHONY: run test race libraries build bench profile fuzz lint setup setup-test setup-bench clean

run: build
	-@command -v nc > /dev/null || { apt-get update -q && apt-get install -q -y --no-install-recommends netcat-openbsd; } # for TRY
	@cat examples/tour/TRY
	@exec ./weir -p examples/tour -c nginx.conf -e stderr

build: setup
	$(GO) build -o weir ./cmd/weir

test: setup-test
	$(GO) vet ./...
	$(GO) test ./...

# The same under the race detector, the end-to-end tests' server included.
race: setup-test
	$(GO) test -race ./...

# The tests of all of examples/libraries, with checkouts of libraries that Debian does not have.
libraries: setup-test
	@test -n "$(LUA_LIBS)" || { echo 'LUA_LIBS="…": checkouts of lua-resty-lock and lua-resty-balancer at least'; exit 1; }
	@for checkout in $(LUA_LIBS); do \
		cp -rsf $$(realpath $$checkout)/lib/. $(LIBRARIES)/; \
		for module in $$(realpath $$checkout)/*.so; do test ! -e $$module || ln -sf $$module $(LIBRARIES)/; done; \
	done
	$(GO) test -tags libraries -run Library -count 1 ./test

bench: build setup-bench
	$(GO) run ./bench

# cmd/weir/default.pgo, the profile that the compiler inlines by (go.dev/doc/pgo). To be made anew when the hot paths change.
profile: setup-bench
	@set -ex; dir=$$(mktemp -d); \
	$(GO) build -trimpath -pgo=off -tags profile -o $$dir/weir ./cmd/weir; \
	WEIR_PROFILES=$$dir $(GO) run ./bench -weir $$dir/weir -rounds 2 -seconds 6 -only '$(PROFILED)'; \
	$(GO) tool pprof -proto $$dir/*.prof > cmd/weir/default.pgo; \
	rm -r $$dir

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

setup-test: setup $(LIBRARIES)/resty/redis.lua $(LIBRARIES)/resty/memcached.lua
	$(call install,$(TEST_PACKAGES))

# Debian's packages of these depend on its nginx, so they are unpacked only.
$(LIBRARIES)/resty/%.lua:
	@mkdir -p $(@D) $(LIBRARIES)/debian
	cd $(LIBRARIES)/debian && { apt-get download -q lua-nginx-$* || { apt-get update -q && apt-get download -q lua-nginx-$*; }; }
	dpkg-deb -x $(LIBRARIES)/debian/lua-nginx-$*_*.deb $(LIBRARIES)/debian
	ln -s ../debian/usr/share/lua/5.1/nginx/$*.lua $@

setup-bench: setup
	$(call install,$(BENCH_PACKAGES))

clean:
	rm -f weir
	rm -rf $(LIBRARIES)
