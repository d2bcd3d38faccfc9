SHELL := /bin/bash
# Targets with a "##" comment are shown by make help.
.DEFAULT_GOAL := help

GO ?= go
T ?= 30s
N ?= 300
IDLE ?= 2m
BENCH ?= .
BASE ?= HEAD~1
COUNT ?= 6
ARCHES ?= amd64 arm64 arm 386 riscv64
SUITES ?= trixie
DRIVERS ?= cgroupfs systemd

NFPM_VERSION := v2.45.0
NFPM := $(CURDIR)/.cache/nfpm/$(NFPM_VERSION)/nfpm
CYCLONEDX_VERSION := v1.10.0
CYCLONEDX := $(CURDIR)/.cache/cyclonedx-gomod/$(CYCLONEDX_VERSION)/cyclonedx-gomod
GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := $(CURDIR)/.cache/golangci-lint/$(GOLANGCI_LINT_VERSION)/golangci-lint

# The stamps are those of the commit, not of the moment, so that a build can be repeated.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
REVISION ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
DATE ?= $(shell git log -1 --format=%cI 2>/dev/null || echo unknown)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.revision=$(REVISION) -X main.date=$(DATE)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/tallyman, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/tallyman ./cmd/tallyman

.PHONY: run
run: build ## build, and run on this host: http://localhost:10180; ARGS="--flags"
	bin/tallyman $(ARGS)

.PHONY: test
test: setup unit e2e ## all but the slow matrix: installs what is missing, starts a dockerd if none answers

.PHONY: test-all
test-all: export TALLYMAN_TEST_LIVES = 200
test-all: test test-matrix test-package release-check fuzz ## everything: also virtual machines with cgroup v2, the packages, and fuzzing

.PHONY: setup
setup: ## install from Debian what the tests need (as root)
	test/env/setup

# Prints failures in full, and names what was left out.
VERDICT := $(GO) -C test run ./internal/verdict

# The race detector needs a C compiler.
RACE := $(shell command -v gcc >/dev/null 2>&1 && echo -race)

.PHONY: unit
unit: ## tests without root, Docker and network
	$(GO) vet ./...
	set -o pipefail; $(GO) test $(RACE) -json ./... | $(VERDICT)
	GOARCH=386 $(GO) vet ./cmd/...

.PHONY: e2e
e2e: build ## the built binary against a real engine, a real Prometheus
	set -o pipefail; TALLYMAN_TEST_BINARY=$(CURDIR)/bin/tallyman test/env/with-engine \
		$(GO) -C test test -count=1 -timeout 40m -json ./... | $(VERDICT)

.PHONY: test-lab
test-lab: ## cgroup v2 in virtual machines: SUITES="trixie" DRIVERS="cgroupfs systemd"
	SUITES="$(SUITES)" DRIVERS="$(DRIVERS)" test/lab/matrix --allow-expired

.PHONY: test-package
test-package: ## the deb of dist/ in a virtual machine with systemd: install, use, upgrade, remove, purge
	$(MAKE) release ARCHES=amd64
	test -e "$$(test/lab/cgroup2-lab path)/disk.img" || test/lab/cgroup2-lab build --allow-expired
	test/lab/package

.PHONY: test-matrix
test-matrix: setup ## the same on this machine and on every kind of host: takes an hour and more
	SUITES="here bookworm trixie sid" DRIVERS="$(DRIVERS)" test/lab/matrix --allow-expired

.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint, shellcheck if there, tidy modules
	$(GOLANGCI_LINT) run ./...
	cd test && $(GOLANGCI_LINT) run --config ../.golangci.yml ./...
	$(GO) mod tidy -diff
	$(GO) -C test mod tidy -diff
	@if command -v shellcheck >/dev/null; then shellcheck $$(git ls-files .ci deploy test | xargs grep -lE '^#!.*\b(ba)?sh\b'); \
	else echo "shellcheck is not installed: scripts were not checked"; fi

$(GOLANGCI_LINT):
	GOBIN=$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

.PHONY: golden
golden: ## write golden files, METRICS.md, dashboards and what is generated in docs/ anew; read the difference before you commit it
	$(GO) test ./api ./api/metrics ./cgroups ./dashboards/compat -update
	$(GO) test ./cmd/tallyman -run ConfigurationDoc -update
	$(GO) run ./dashboards/gen

.PHONY: fuzz
fuzz: ## fuzz every parser for T=30s each
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(T) $$package; \
		done; \
	done

.PHONY: bench
bench: ## benchmarks of each stage, as root over real cgroups beside the floor: BENCH=Collect/^1000$$
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...
	set -o pipefail; $(GO) -C test test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m ./bench | $(GO) -C test run ./bench/growth

.PHONY: bench-lab
bench-lab: ## the program's benchmarks with cgroup v2, in a virtual machine: BENCH='Program(Gzip)?/^(10|100)$$'
	test/lab/bench '$(BENCH)'

.PHONY: bench-compare
bench-compare: ## the same beside those of another revision: BASE=main COUNT=6
	test/bench/compare "$(BASE)" "$(COUNT)" '$(BENCH)'

.PHONY: bench-host
bench-host: setup build ## what a scrape costs with N=300 real containers, beside the floor, and IDLE=2m without scrapes
	$(GO) -C test build -o $(CURDIR)/bin/benchhost ./benchhost
	TALLYMAN_TEST_BINARY=$(CURDIR)/bin/tallyman test/env/with-engine bin/benchhost -n $(N) -idle $(IDLE)

.PHONY: scale
scale: setup build ## 20 tallymen of 100 containers under real Prometheus servers, as root, in 6 minutes; ARGS=-update writes deploy/SCALE.md
	TALLYMAN_TEST_BINARY=$(CURDIR)/bin/tallyman $(GO) -C test test -run '^$$' -bench '^BenchmarkScale$$' -benchtime 1x -timeout 20m ./scale $(ARGS)

.PHONY: cover
cover: ## coverage of the unit tests
	$(GO) test -coverprofile coverage.out ./...
	$(GO) tool cover -func coverage.out | tail -1

.PHONY: image
image: ## build the image tallyman:VERSION
	docker build -f deploy/Dockerfile --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) --build-arg DATE=$(DATE) -t tallyman:$(VERSION) -t tallyman:latest .

.PHONY: image-binary
image-binary: build ## the same of the binary of make build, without any other image
	docker build -f deploy/Dockerfile --target binary -t tallyman:$(VERSION) -t tallyman:latest bin

.PHONY: release
release: export ARCHES := $(ARCHES)
release: $(NFPM) $(CYCLONEDX) ## tarballs, deb, rpm, checksums and bills of materials into dist/: ARCHES="amd64 arm64"
	VERSION='$(VERSION)' REVISION='$(REVISION)' DATE='$(DATE)' SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' \
		NFPM='$(NFPM)' CYCLONEDX='$(CYCLONEDX)' deploy/release

.PHONY: release-check
release-check: $(NFPM) $(CYCLONEDX) ## two releases of HEAD from two folders have the same bytes
	NFPM='$(NFPM)' CYCLONEDX='$(CYCLONEDX)' ARCHES='$(ARCHES)' test/release-check

$(NFPM):
	GOBIN=$(@D) $(GO) install -trimpath github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION)

$(CYCLONEDX):
	GOBIN=$(@D) $(GO) install -trimpath github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)

.PHONY: record
record: ## record this host as a fixture: make record CONTAINERS="name ..." > cgroups/testdata/NAME.txtar
	@test/record.sh $(CONTAINERS)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist coverage.out .cache
