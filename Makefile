# Keyward. `make help` lists what there is to do.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
PYTEST := $(BIN)/pytest
OPERATOR := tests/integration/operator
CONVERGENCE := $(OPERATOR)/convergence
# As many tests at once as there are processors. Those of a file go to one process: they share what is made for them.
AT_ONCE := -n auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

.PHONY: help setup demo test check fix generate unit integration compat e2e e2e-netpol outage cert-manager fuzz differential \
	rollouts load property bench-operator clean down

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed ## Install the Python environment of uv.lock into .venv

.venv/.installed: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Keyward needs Python 3.11 or newer: set PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@$(BIN)/uv sync --frozen --all-extras --quiet
	@touch $@

demo: setup ## Bring everything up and show the main job: an audited SELECT, a refused INSERT
	@$(BIN)/python -m local demo

test: check unit integration e2e ## All checks and tests

check: setup ## Formatting, lint, types, layers, generated files
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/mypy charts/keyward/files/release_check.py
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m local.generate --check

fix: setup ## Format, and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: setup ## Write the CRDs, the chart's schema, README and snapshots, tables of the documents
	$(BIN)/python -m local.generate

unit: setup ## Unit tests and fuzzers: no cluster, no database
	$(PYTEST) -n auto tests/unit tests/fuzz

integration: setup ## Agent, local AWS and local Keyspaces as processes; the operator against a real API server
	$(BIN)/python -m local prepare
	$(PYTEST) $(AT_ONCE) -m "not long" tests/integration tests/differential tests/compat/test_drivers.py

compat: setup ## The driver makers' own suites, direct and through the agent; writes docs/compatibility.md
	$(BIN)/python -m tests.compat
	$(PYTEST) tests/compat/test_token_recipes.py

differential: setup ## 1,000,000 statements against Cassandra's own parsers (COUNT, SEED)
	$(BIN)/python -m tests.differential $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

e2e: setup ## A real cluster with everything in it
	$(BIN)/python -m local up
	$(PYTEST) tests/e2e

e2e-netpol: setup ## NetworkPolicies that count (Calico's Felix): who reaches whom, with and without them
	$(BIN)/python -m local up --network-policies
	$(PYTEST) tests/netpol

outage: setup ## API server or operator go away for longer than policies may be old, and come back; watches fall silent
	$(BIN)/python -m local up
	$(PYTEST) tests/outage

rollouts: setup ## Twenty rolling updates under Python and gocql drivers that read
	$(BIN)/python -m local up
	KEYWARD_ROLLOUTS=20 $(PYTEST) tests/e2e/test_rollouts.py -s

load: setup ## What loads the machine for minutes: floods of sessions, tenants that ask for too much, restarts without an end
	$(PYTEST) -m long tests/integration/test_floods.py $(OPERATOR)/adversary/test_load.py $(OPERATOR)/test_restarts.py

property: setup ## 200 sequences (COUNT) of edits and crashes, deaths at every write, all of which converge, and a small bench
	KEYWARD_SEQUENCES=$(or $(COUNT),200) $(PYTEST) $(CONVERGENCE) tests/bench

cert-manager: setup ## cert-manager's own controllers sign the certificate authorities of databases
	$(PYTEST) tests/cert_manager

bench-operator: setup ## The operator with 1,000 databases, roles and users (BENCH="--databases 100 ...")
	@$(BIN)/python -m tests.bench.operator $(BENCH)

fuzz: setup ## Fuzz until it is stopped; what is found is kept in .state/fuzz
	@$(BIN)/python -m tests.fuzz

down: setup ## Remove the cluster, its processes, networks and rules
	@$(BIN)/python -m local down

clean: down ## The same, and remove state, environment and build products
	rm -rf .state .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
