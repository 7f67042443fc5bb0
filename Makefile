# The chores of certwright. `make help` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# One set of flags for every build in every module: each of them is part of the
# build cache's key, and Kubernetes should not be compiled twice.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false
export GOWORK := off

# Every Go module in the tree, the product's own first.
MODULES := $(sort $(patsubst ./%,%,$(patsubst %/,%,$(dir $(shell find . -name go.mod -not -path '*/.*/*')))))
# Those that `make test` tests after the unit tests, quick ones first.
TESTED := test/docs test/tools test/tools/release test/admission test/sidecar test/monitoring test/cluster test/acme/client test
# Targets prove-NAME, each of which runs certwright against one big real part.
# The quick ones to build for first: CI leaves out what it has no time to begin.
PROVE := prove-rotation prove-admission prove-challenges prove-replicas prove-rbac prove-page prove-remote \
	prove-chart prove-docs prove-dns01 prove-migration prove-node prove-acme prove-ingress prove-issuers prove-image
# Modules that only pin a big program: building it says what their go.sum lacks,
# and nobody should download a thousand modules to read that it lacks nothing.
PINS := test/tools/helm test/programs/stepca test/programs/traefik test/programs/vault test/programs/awspca test/programs/certmanager test/programs/dnswebhook

BIN := $(CURDIR)/bin
# Empty outside a repository; certwright then says what Go recorded.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT ?= $(shell git rev-parse --quiet --verify HEAD 2>/dev/null)
STAMP := github.com/certwright/certwright/daemon/certwright/commands
LDFLAGS = -s -w -X $(STAMP).version=$(VERSION) -X $(STAMP).commit=$(COMMIT)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

##@ Building

.PHONY: build lego install image release crds docs clean
build: ## bin/certwright
	go build -ldflags '$(LDFLAGS)' -o $(BIN)/certwright ./daemon/certwright

lego: ## bin/certwright-lego: the DNS providers of lego, beside certwright; minutes the first time
	go -C daemon/lego build -ldflags '-s -w' -o $(BIN)/certwright-lego .

install: ## certwright into GOBIN
	go install -ldflags '$(LDFLAGS)' ./daemon/certwright

# The same commit makes the same bytes.
RELEASE = go -C test/tools/release run . $@ -tree $(CURDIR) -out $(CURDIR)/dist -version '$(VERSION)' -commit '$(COMMIT)' \
	-epoch "$$(git log -1 --format=%ct 2>/dev/null || echo 0)" -ldflags '$(LDFLAGS)'

# The archive is for `ctr images import`, `podman load` and `docker load`;
# dist/image for `skopeo copy oci:dist/image docker://...` and its like.
image: ## dist/image, an OCI layout, and dist/certwright-image.tar, without Docker; PUSH=registry/name:tag pushes it, PLATFORMS=linux/amd64 makes one
	$(RELEASE) $(if $(PUSH),-push '$(PUSH)') $(if $(PLATFORMS),-platforms '$(PLATFORMS)')

release: ## dist: the image, archives, Debian packages, manifests, bill of materials, checksums
	$(RELEASE)

crds: ## deploy/crds, from the API types of the version in go.mod
	go -C test/tools run ./crds -module $(CURDIR) -out $(CURDIR)/deploy/crds

docs: ## docs/configuration.md and docs/commands.md, from the program itself
	go run ./daemon/certwright options >docs/configuration.md
	go run ./daemon/certwright options --commands >docs/commands.md

clean: ## remove bin and dist; the control plane's programs stay in the user's cache
	rm -rf $(BIN) dist

##@ Trying it out

.PHONY: cluster cluster-down demo bench
cluster: ## start a control plane on this machine: eval "$(make cluster)"
	@go -C test/cluster run ./cmd/cluster up

cluster-down: ## end it and remove its files
	@go -C test/cluster run ./cmd/cluster down

demo: ## show the daemon at work on a control plane of its own; KEEP=1 leaves it running
	@go -C test run ./demo

bench: ## measure it: N=1000 says how many certificates, ARGS=... goes to the program
	@go -C test run ./bench $(if $(N),-n $(N)) $(ARGS)

##@ Testing

.PHONY: unit race test prove
# The mutation detector panics when a handler changes an object of the cache.
unit race: export KUBE_CACHE_MUTATION_DETECTOR := true
unit: ## the product's own tests: no control plane, under a minute once they are compiled
	@echo "unit: compiled in some 5 minutes when nothing is compiled yet"
	@go test -timeout 10m ./...

# Apart from `make test`, as it needs a C compiler, and everything compiled once more.
race: ## the product's own tests with the race detector; needs gcc
	@echo "race: compiled in some 8 minutes when nothing is compiled yet"
	@CGO_ENABLED=1 go test -race -timeout 10m ./...

test: STARTED := $(shell date +%s)
# Two packages at a time (-p 2): each has a control plane, and waits more than it works.
# That holds for the compiler too, so vet goes first, which needs the same packages
# compiled.
test: unit $(BIN)/gotestsum ## unit, then the real daemon on a real control plane
	@echo "test: the control plane's programs, some 10 minutes when there are none yet"
	@go -C test/cluster run ./cmd/cluster build
	@echo "test: cmctl, some 2 minutes when there is none yet"
	@go -C test run ./e2e/build
	@echo "test: pebble and a DNS01 webhook solver, two minutes when there are none yet"
	@go -C test run ./acme/build
	@for module in $(wildcard $(TESTED)); do \
		echo "test: $$module"; \
		(cd $$module && go vet ./... && $(BIN)/gotestsum --format testname -- -short -count=1 -p 2 -timeout 20m ./...); \
	done
	@echo "test: . $(wildcard $(TESTED)) passed in $$(( $$(date +%s) - $(STARTED) )) s"

prove: $(PROVE) ## certwright against the big real parts: every prove-NAME there is
	@echo "prove: $(if $(PROVE),passed: $(PROVE),there is nothing to prove yet)"

.PHONY: proofs
proofs:
	@echo $(PROVE)

.PHONY: prove-rotation
prove-rotation: ## webhook certificates rotated under load, the daemon killed meanwhile; OVERLAP=off must lose calls
	@[ "$(OVERLAP)" = off ] || go -C test test -count=1 -timeout 15m ./rotation
	@[ "$(OVERLAP)" = off ] || OVERLAP=off go -C test run ./rotation -rotations 3
	@go -C test run ./rotation

.PHONY: prove-admission
prove-admission: ## deploy/policies and the Go rules decide the same, case by case, on a real API server
	@go -C test/admission run ./prove $(ARGS)

.PHONY: prove-challenges
prove-challenges: ## 500 ACME Certificates, 100 of them hopeless: the others are as fast, the cap holds, no name twice at once
	@go -C test run ./acme/storm $(ARGS)

.PHONY: prove-dns01
prove-dns01: ## the providers of lego, in the process beside certwright; minutes of compiling once
	@cd daemon/lego && go vet ./... && go test -count=1 -timeout 15m ./...
	@go -C test test -count=1 -timeout 15m -run 'TestProviderOfLego$$' -v ./acme

.PHONY: prove-acme
prove-acme: ## step-ca as the ACME server, traefik routing Ingress and HTTPRoute, on the real ports of a network of its own
	@go -C test run ./acme/prove $(ARGS)

.PHONY: prove-issuers
prove-issuers: ## Vault (real, restarted and sealed under load), Venafi (a stand-in) and external issuers; building Vault takes 13 minutes once
	@go -C test run ./issuers $(ARGS)

.PHONY: prove-image
prove-image: ## `make image` in two folders makes the same image, static and of three files
	@go -C test/tools/release run ./prove $(ARGS)

.PHONY: prove-node
prove-node: ## Deployment, DaemonSet and sidecar on a real node: issue, are upgraded and lose a pod meanwhile; needs root, containerd, runc
	@go -C test run ./node $(ARGS)

.PHONY: prove-replicas
prove-replicas: ## three replicas with shards: as fast as one, one killed meanwhile, one writer for each key, the cap of challenges kept
	@go -C test run ./replicas $(ARGS)

.PHONY: prove-remote
prove-remote: ## over a slow, lossy, interrupted line: no work twice, prompt catching up, a lease lost and won again; root, six minutes
	@go -C test run ./remote $(ARGS)

.PHONY: prove-ingress
prove-ingress: ## annotated Ingresses and Gateways served over TLS by traefik, and again after a renewal; N=1000 measures one beside so many
	@go -C test run ./ingress $(if $(N),-n $(N)) $(ARGS)

.PHONY: prove-docs
prove-docs: $(BIN)/kustomize $(BIN)/helm ## every command and manifest of README.md and docs/, page by page; PAGES="acme install" some of them
	@go -C test/docs run . $(PAGES) $(ARGS)

.PHONY: prove-chart
prove-chart: $(BIN)/helm ## deploy/chart with the real helm: installed, upgraded, equal to the kustomizations, cert-manager's values taken
	@go -C test test -count=1 -timeout 15m -v ./chart

.PHONY: prove-rbac
prove-rbac: ## the shipped roles are the least that works: the tests under them, each right used and nothing refused
	@go -C test run ./rbac $(ARGS)

.PHONY: prove-migration
prove-migration: ## cert-manager's own controllers, killed halfway: certwright takes over and gives back, nothing is issued anew; building them takes 6 minutes once
	@go -C test run ./migration $(ARGS)

.PHONY: prove-page
prove-page: ## the web page in headless Chromium, by keyboard and by axe-core, and status --watch on a terminal; ARGS=-shots=DIR leaves pictures
	@go -C test/page run . $(ARGS)

##@ Checking

# $(call each,COMMAND) runs COMMAND in every module that has Go packages of its own.
each = @for module in $(MODULES); do \
		packages=$$(cd $$module && go list ./... 2>/dev/null) || { (cd $$module && go list ./...); exit 1; }; \
		[ -z "$$packages" ] || { echo "$@: $$module"; (cd $$module && $(1)); }; \
	done

.PHONY: check format vet lint fresh kustomize tidy words
check: format vet lint fresh kustomize tidy words ## all of the following
	@echo "check: all is well"

format: ## gofmt has nothing to change
	@found=$$(gofmt -s -l .); [ -z "$$found" ] || { echo "format: run gofmt -s -w on"; echo "$$found"; exit 1; }

vet: ## go vet, in every module
	$(call each,go vet ./...)

lint: $(BIN)/golangci-lint ## .golangci.yaml, in every module
	$(call each,$(BIN)/golangci-lint run)

fresh: ## deploy/crds is what `make crds` writes, and the references are what `make docs` writes
	@written=$$(mktemp -d); trap 'rm -rf "$$written"' EXIT; \
	go -C test/tools run ./crds -module $(CURDIR) -out "$$written"; \
	diff -r -x kustomization.yaml deploy/crds "$$written" || { echo "fresh: run make crds"; exit 1; }
	@diff <(go run ./daemon/certwright options) docs/configuration.md && diff <(go run ./daemon/certwright options --commands) docs/commands.md || \
		{ echo "fresh: run make docs"; exit 1; }

kustomize: $(BIN)/kustomize ## every kustomization under deploy can be built
	@for file in $$(find deploy -name kustomization.yaml); do $(BIN)/kustomize build "$$(dirname "$$file")" >/dev/null; done

tidy: ## every go.mod and go.sum says what is needed, and no more
	@for module in $(filter-out $(PINS),$(MODULES)); do echo "tidy: $$module"; (cd $$module && go mod tidy -diff); done

# Folders of one machine, a module proxy's name, and notes to oneself.
WORDS := (^|[^[:alnum:]_.}-])/(root|home|work)/|(proxy|sum)[.]golang|\b(TO[D]O|FIX[M]E|XX[X])\b
words: ## nothing in the tree that belongs to one machine or one day
	@! grep -rnIE --exclude-dir=.git --exclude-dir=bin --exclude=go.sum '$(WORDS)' .

# The tools, pinned in test/tools and built when their pins have changed.

$(BIN)/gotestsum $(BIN)/kustomize &: test/tools/go.sum
	go -C test/tools build -ldflags '-s -w' -o $(BIN)/ tool
	@touch $(BIN)/gotestsum $(BIN)/kustomize

$(BIN)/helm: test/tools/helm/go.sum
	go -C test/tools/helm build -ldflags '-s -w' -o $(BIN)/ tool
	@touch $@

$(BIN)/golangci-lint: test/tools/lint/go.sum
	go -C test/tools/lint build -ldflags '-s -w' -o $(BIN)/ tool
	@touch $@
