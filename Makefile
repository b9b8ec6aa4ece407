# The two commands: `make up` (deploys locally) and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
TOOLS := .venv-tools/bin
STACKS := $(patsubst Pulumi.%.yaml,%,$(wildcard Pulumi.*.yaml))
# The toolchain's folder is first on PATH, so that its pulumi, providers and helm are the ones that run.
export PATH := $(shell $(PYTHON) toolchain/install.py --print-bin 2>/dev/null):$(PATH)
# gRPC, by which engine and program talk, goes through https_proxy even to loopback unless told otherwise.
space := $() $()
comma := ,
no_proxies := $(subst $(space),$(comma),$(strip $(no_proxy) $(NO_PROXY) 127.0.0.1 localhost))
export no_proxy := $(no_proxies)
export NO_PROXY := $(no_proxies)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 20

# --- where the programs come from -----------------------------------------------------------------------------------

.PHONY: toolchain
toolchain: ## Put pulumi, providers, helm and the local cluster's programs into a per-user cache
	@$(PYTHON) toolchain/install.py --group deploy --group cluster

.PHONY: test-toolchain
test-toolchain:
	@$(PYTHON) toolchain/install.py

.venv/.installed: requirements.txt
	@echo "Virtualenv .venv: what Pulumi runs the program in"
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv-tools/.installed: requirements.txt requirements-dev.txt
	@echo "Virtualenv .venv-tools: tests, checkers, local cluster"
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

.venv-checkov/.installed: requirements-checkov.txt
	@echo "Virtualenv .venv-checkov: a checker whose packages must not mix with others"
	$(PYTHON) -m venv .venv-checkov
	.venv-checkov/bin/pip install --quiet --disable-pip-version-check -r requirements-checkov.txt
	touch $@

.PHONY: venv
venv: .venv/.installed .venv-tools/.installed ## Make both virtualenvs

# --- deploy -----------------------------------------------------------------------------------------------------------

.PHONY: cluster cluster-down
cluster: toolchain venv ## Start this checkout's local cluster (real control plane, simulated nodes)
	@$(TOOLS)/python -m local.cluster up
cluster-down: venv ## Stop it without trace
	@$(TOOLS)/python -m local.cluster down

.PHONY: up down recover preview
ifdef STACK
up: toolchain venv ## Deploy: the dev settings to a local cluster, or STACK=<name> to the cluster that the stack names
	@$(TOOLS)/python -m ops recover --check --stack $(STACK) || [ $$? -eq 2 ]
	pulumi up --stack $(STACK)
down: toolchain venv ## Undo: the local cluster and its state, or `pulumi destroy` of STACK=<name>
	@$(TOOLS)/python -m ops down --stack $(STACK)
	pulumi destroy --stack $(STACK)
recover: toolchain venv ## Mend what a killed `up` left behind, on the local cluster or of STACK=<name>
	@$(TOOLS)/python -m ops recover --stack $(STACK)
preview: toolchain venv ## Show what `pulumi up` would change in STACK=<name>
	@pulumi preview --diff --stack $(STACK)
else
up: toolchain venv
	@$(TOOLS)/python -m local.up up
down: venv
	@$(TOOLS)/python -m local.up down
recover: toolchain venv
	@$(TOOLS)/python -m local.up recover
preview:
	@echo "Which stack? make $@ STACK=<name> ($(STACKS))" >&2; exit 2
endif

.PHONY: preflight why status history rollback drift heal backup
ifdef STACK
preflight: toolchain .venv-tools/.installed ## Ask the cluster of STACK=<name>, read-only, whether the stack can run there
	@$(TOOLS)/python -m ops preflight --stack $(STACK)
why: .venv-tools/.installed ## Say why a release of STACK=<name> is not ready
	@$(TOOLS)/python -m ops why --stack $(STACK)
status: toolchain .venv-tools/.installed ## Show how STACK=<name> stands: releases, pods, claims, models, last change
	@$(TOOLS)/python -m ops status --stack $(STACK)
history: toolchain .venv-tools/.installed ## Show what happened to the releases of STACK=<name> [RELEASE=<name>]
	@$(TOOLS)/python -m ops history --stack $(STACK) $(if $(RELEASE),--release $(RELEASE))
rollback: toolchain venv ## Deploy an earlier revision of a release again: STACK=<name> RELEASE=<name> [REVISION=<number>]
	@$(TOOLS)/python -m ops rollback $(REVISION) --stack $(STACK) --release "$(RELEASE)"
drift: toolchain .venv-tools/.installed ## Show what somebody changed inside the releases of STACK=<name>
	@$(TOOLS)/python -m ops drift --stack $(STACK)
heal: toolchain venv ## Undo that
	@$(TOOLS)/python -m ops heal --stack $(STACK)
backup: toolchain venv ## Back up STACK=<name>: database, generated keys, list of models [OUT=folder]
	@$(TOOLS)/python -m ops backup --stack $(STACK) $(if $(OUT),--out "$(OUT)")
else
preflight why status history rollback drift heal backup:
	@echo "Which stack? make $@ STACK=<name> ($(STACKS))" >&2; exit 2
endif

.PHONY: rotate
ifeq ($(and $(STACK),$(KEY)),)
rotate:
	@echo "Which stack and key? make rotate STACK=<name> KEY=<key> ($(STACKS); python -m ops rotate --help lists the keys)" >&2; exit 2
else
rotate: toolchain venv ## Replace a generated key of STACK=<name>: KEY=<key>, such as JWT_SECRET
	@$(TOOLS)/python -m ops rotate --stack $(STACK) $(KEY)
endif

.PHONY: restore
ifeq ($(and $(STACK),$(FROM)),)
restore:
	@echo "Which stack and backup? make restore STACK=<name> FROM=<folder> ($(STACKS))" >&2; exit 2
else
restore: toolchain venv ## Put a backup into STACK=<name>, which is empty: FROM=<folder>
	@$(TOOLS)/python -m ops restore "$(FROM)" --stack $(STACK)
endif

.PHONY: upgrade-check
ifeq ($(and $(STACK),$(CHART),$(VERSION)),)
upgrade-check:
	@echo "make upgrade-check STACK=<name> CHART=<ollama or librechat> VERSION=<version> ($(STACKS))" >&2; exit 2
else
upgrade-check: toolchain .venv-tools/.installed ## What CHART=<chart> at VERSION=<version> would change in STACK=<name>
	@$(TOOLS)/python -m ops upgrade-check --stack $(STACK) $(CHART) $(VERSION)
endif

.PHONY: images
images: toolchain .venv-tools/.installed ## List every image of the charts, as `source target`, of all stacks or [STACK=<name>] [REGISTRY=<host/folder>]
	@$(TOOLS)/python -m ops images $(if $(STACK),--stack $(STACK)) $(if $(REGISTRY),--registry $(REGISTRY))

.PHONY: preview-stacks
preview-stacks: toolchain venv ## Preview every stack without a cluster or its state, as CI does [OUT=folder] [CHARTS=…]
	@$(TOOLS)/python -m local.preview $(if $(OUT),--out $(OUT)) $(if $(CHARTS),--charts $(CHARTS))

.PHONY: preview-diff
preview-diff: ## What the changes since BASE=<commit> do to every stack, as a pull request's comment says it [OUT=folder] [CHARTS=…]
	@$(PYTHON) -m local.preview_diff --base "$(BASE)" $(if $(OUT),--out "$(OUT)") $(if $(CHARTS),--charts "$(CHARTS)")

# --- test -------------------------------------------------------------------------------------------------------------

APP_SCHEMA := ops/app_schema/node_modules/.package-lock.json
# Where it can't be installed, the check goes on without it and says so.
$(APP_SCHEMA): ops/app_schema/package.json ops/app_schema/package-lock.json
	@echo "LibreChat's own schema of librechat.yaml (npm)"
	npm ci --fetch-retries=5 --ignore-scripts --silent --prefix ops/app_schema && touch $@ || echo "npm could not install it" >&2

.PHONY: check contracts lint test-unit test-contracts test-engine test bench
check: .venv-tools/.installed $(APP_SCHEMA) ## Check stack files, values files and contracts in seconds, without a cluster
	@$(TOOLS)/python -m ops check
contracts: toolchain .venv-tools/.installed ## Write which value keys the pinned charts read [CHART="name version source"] [CHARTS=…]
	@$(TOOLS)/python -m ops contracts $(CHART) $(if $(CHARTS),--charts $(CHARTS))
lint: .venv-tools/.installed
	@$(TOOLS)/ruff check .
	$(TOOLS)/ruff format --check .
	$(TOOLS)/mypy
test-unit: lint check ## Linters, types and unit tests: one to two minutes
	@$(TOOLS)/python -m pytest -n 2 --dist loadfile tests/unit
test-contracts: ## The generator of the value contracts: a chart for each template construct
	@cd contracts
	test -z "$$(gofmt -l . | tee -a /dev/stderr)" && go vet ./... && go test ./...
test-engine: test-toolchain venv .venv-checkov/.installed
	@actionlint .github/workflows/*.yml
	$(TOOLS)/zizmor --offline --quiet --pedantic --strict-collection .github/workflows
	# Each of the two has a cluster of its own. Files in the order of their names: what stops a cluster comes last.
	$(TOOLS)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not alone' tests/engine
	$(TOOLS)/python -m pytest -m alone tests/engine
test: test-toolchain venv test-unit test-contracts test-engine ## Everything: linters, types, unit tests, then engine tests on a throw-away cluster

bench: toolchain venv ## Measure previews, ups and state: against a bare program, and of 50 teams (README, Speed; docs/teams.md)
	@$(TOOLS)/python -m bench
	$(TOOLS)/python -m bench.teams
