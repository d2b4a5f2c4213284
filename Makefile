# Weft. `make help` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

FUZZ_SECONDS ?= 600

.PHONY: help deps check format test test-unit test-integration test-e2e h2spec conformance coverage images cli packages krew cluster-up cluster-down demo show-grpc show-faults show-rotation show-ha show-quiet show-policies show-gitops show-drift show-observability show-flagger show-upgrade run-local install uninstall bench flame fuzz soak chaos scale clean

help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

node_modules/.stamp: package-lock.json package.json
	@echo "==> packages (npm ci)"
	@npm ci --no-audit --no-fund --loglevel=error 2>&1 | grep -v EBADENGINE || true
	@test -x node_modules/.bin/node && node --version >/dev/null
	@touch $@

deps: node_modules/.stamp ## Install the pinned packages, Node and Bun included

check: deps ## Format, lint, types, architecture
	@biome check --error-on-warnings .
	@tsc --noEmit -p .
	@mocha 'test/architecture/**/*.test.ts'

format: deps ## Rewrite the sources in the project's format
	@biome check --write .

test: check coverage test-integration test-e2e ## Everything, from a fresh clone, unattended

test-unit: deps ## Unit, property and golden tests
	@hack/test unit

test-integration: deps ## Against a real API server, real sockets, real TLS
	@hack/test integration

test-e2e: deps ## Against a real one-node Kubernetes
	@hack/test e2e

h2spec: deps ## Judge both sides of the proxy's HTTP/2 by h2spec, strict
	@mocha --reporter spec test/integration/http2/h2spec.test.ts

conformance: deps ## Judge the mesh by the Gateway API's own conformance suite, in the real cluster
	@hack/gateway-api/conformance/run $(CONFORMANCE_FLAGS)

coverage: deps ## Unit, property and golden tests, and the lines they cover of the parts that promise it
	@hack/test coverage

images: deps ## Build the proxy, operator and sample images
	@hack/images/build

cli: deps ## Build the command into build/weft: weft, and kubectl-weft
	@hack/cli/build build/weft

packages: deps ## Write the Helm charts and kustomizations, which are committed (charts/, kustomize/)
	@node hack/packages/main.ts

krew: deps ## Pack the command for Krew into build/krew (URI= of the archive, HOMEPAGE=)
	@hack/cli/krew build/krew "$(URI)" "$(HOMEPAGE)"

cluster-up: deps ## Start the local Kubernetes (idempotent; NODES, default 1)
	@hack/cluster/up $(if $(NODES),--nodes $(NODES))

cluster-down: ## Stop it and leave nothing
	@hack/cluster/down

install: deps ## Apply CRDs and control plane to the current cluster
	@node hack/install/main.ts $(INSTALL_FLAGS)

uninstall: deps ## Remove them
	@node hack/install/main.ts --uninstall $(INSTALL_FLAGS)

demo: deps ## A real application in the mesh, on a real Kubernetes, step by step
	@hack/demo/run

show-grpc: deps ## gRPC in the real cluster for five minutes: a slow and a failing replica
	@hack/demo/run --only grpc

show-faults: deps ## The real cluster under slow readers, silent connections, endpoint gaps and a reinstallation (12 minutes)
	@hack/demo/run --only gap,silent,downloads,reinstall

show-rotation: deps ## Anchor, issuer and certificates replaced in the real cluster, at 200 requests a second (2 minutes)
	@hack/demo/run --only rotation

show-ha: deps ## Two nodes and three replicas: a replica, the leader, etcd and a node are lost at 200 requests a second (5 minutes)
	@hack/ha/show $(HA_FLAGS)

show-quiet: deps ## Three replicas at a real API server for ten minutes in which nothing changes: nothing is written but the lease (twice, 25 minutes)
	@QUIET_SECONDS=600 npx mocha test/integration/operator/replicas.test.ts
	@MINUTES=0 QUIET_MINUTES=10 VARIANTS=ha hack/gitops/show-drift

show-policies: deps ## Rows of routes and of authorization, seen on the wire in the real cluster
	@test/wire/run $(POLICIES_FLAGS)

show-gitops: deps ## Argo CD's and Flux' own engines on what Weft says and applies, and 200 random histories (10 minutes)
	@hack/gitops/show

show-drift: deps ## Installations from charts and kustomizations for an hour (MINUTES, VARIANTS): Argo CD and Flux find nothing that has changed
	@hack/gitops/show-drift

show-observability: deps ## A real Prometheus on the real cluster: every query, and alerts that fire and are cleared (12 minutes)
	@hack/observability/show

show-flagger: deps ## The real Flagger on the real cluster: canaries promoted and rolled back, by TrafficSplit and HTTPRoute (4 minutes)
	@hack/delivery/show

show-upgrade: deps ## Two builds on the real cluster, up and down, Helm's take-over and removal, at 200 requests a second (FROM=commit; 8 minutes)
	@hack/upgrade/show

run-local: deps ## The mesh without root, containers or a cluster (embedded mode)
	@node hack/local/main.ts

bench: deps ## Measure beside HAProxy, nginx and Envoy
	@node test/bench/main.ts

flame: deps ## Where the proxy spends its time under load, as a flame graph (LOAD=h1|h2|pair|inbound)
	@node test/bench/flame/main.ts --load $(or $(LOAD),h1)

fuzz: deps ## Fuzz every parser, one after another (FUZZ_SECONDS each, default 600)
	@node test/fuzz/main.ts $(FUZZ_SECONDS)

soak: deps ## Mixed traffic through a pair of proxies while everything changes (SOAK_MINUTES, default 60)
	@node test/soak/main.ts

chaos: deps ## Seeded histories of faults at a real API server and etcd (HISTORIES, default 500; SEED repeats one)
	@node test/chaos/main.ts

scale: deps ## Three replicas at a real API server, large: 10,000 endpoints, 2,000 simulated proxies (MINUTES, default 10; CURVE=1: fewer proxies first)
	@node test/scale/main.ts

clean: ## Remove what was built here (the cache of binaries stays)
	@rm -rf build coverage node_modules/.stamp
