# bank_sync: everything a checkout needs. `make` prints what there is.
#
# Needs Python 3.11 to 3.13, make and git; all else is installed into .venv, locked by hash.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

# without bytecode on disk every process compiles every library again, which costs seconds each time
unexport PYTHONDONTWRITEBYTECODE
# a Python of another environment would shine through
unexport PYTHONHOME
unexport PYTHONPATH

VENV := .venv
BIN := $(VENV)/bin
UV := scripts/uv.sh
JOBS ?= logical
PYTHON ?= python3.13 python3.12 python3.11 python3 python

# which state the environment is in; `tools` holds the folder it was made in, for a moved environment is a broken one
TOOLS := $(VENV)/.made-tools
RUNTIME := $(VENV)/.made-runtime
DEV := $(VENV)/.made-dev

.PHONY: help
help: ## Print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

# --- installing -----------------------------------------------------------------------------------------------------

.PHONY: setup
setup: $(RUNTIME) ## Install bank_sync and what it needs into .venv (PYTHON=... chooses the Python)
	@echo "bank_sync is installed. Next: make demo, or . $(BIN)/activate && bank-sync --help"

.PHONY: setup-dev
setup-dev: $(DEV) ## Install what tests and checks need, too

ifneq ($(shell cat $(TOOLS) 2>/dev/null),$(CURDIR))
.PHONY: $(TOOLS)
endif
$(TOOLS): requirements/bootstrap.txt
	@scripts/make-venv.sh $(VENV) $(PYTHON)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@printf '%s' '$(CURDIR)' > $@

$(RUNTIME): $(TOOLS) requirements/runtime.txt pyproject.toml scripts/activate-dagster-home.sh
	@echo "Installing the locked packages: about a minute the first time"
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/runtime.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@scripts/activate-dagster-home.sh
	@touch $@

# plaid-python comes as source only: it is built with the locked setuptools
$(DEV): $(RUNTIME) requirements/dev.txt
	@echo "Installing the locked packages for tests and checks"
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --no-build-isolation --require-hashes \
		-r requirements/dev.txt
	@touch $@

# --- running --------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: $(RUNTIME) ## See it work: pretend banks, three linked connections, a full sync, the analysts' tables
	@$(BIN)/bank-sync demo

.PHONY: dev
dev: $(RUNTIME) ## Run the Dagster UI, the daemon and the pretend banks until Ctrl-C
	@$(BIN)/bank-sync dev

.PHONY: stop
stop: $(RUNTIME) ## Stop the local database; the next command starts it again
	@$(BIN)/bank-sync db stop

# --- proving --------------------------------------------------------------------------------------------------------

.PHONY: test
test: $(DEV) ## Run all tests on all processors (ARGS="-k cursor" runs some, JOBS=0 one after the other)
	@$(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=worksteal --durations=10 $(ARGS)

.PHONY: e2e
e2e: $(DEV) ## Drive the pages with a real browser (needs Debian's chromium); screenshots go to build/screenshots
	@$(BIN)/python -m pytest -m e2e bank_sync_tests/e2e $(ARGS)

.PHONY: soak
soak: $(DEV) ## Tell 10,000 seeded stories and compare the ledger with the banks' books (ARGS="--stories 500")
	@$(BIN)/python -m bank_sync_tests.stateful.soak $(ARGS)

.PHONY: sweep
sweep: $(DEV) ## Kill a sync at its every step, for each provider, and judge each kill twice
	@$(BIN)/python -m bank_sync_tests.faults.report $(ARGS)

.PHONY: proof-links
proof-links: $(DEV) ## How many links from pending to posted are right, wrong, or left for review
	@$(BIN)/python -m bank_sync_tests.proof.links $(ARGS)

.PHONY: proof-quota
proof-quota: $(DEV) ## A month of GoCardless's daily quota, as the bank counts it
	@$(BIN)/python -m bank_sync_tests.stateful.month $(ARGS)

.PHONY: proof-cadence
proof-cadence: $(DEV) ## How fresh adaptive cadence keeps rows, against a cron with as many calls, over 90 days
	@$(BIN)/python -m bank_sync_tests.proof.cadence $(ARGS)

.PHONY: bench
bench: $(DEV) ## Measure: memory and speed of a first sync of a million rows, and of its replay
	@$(BIN)/python -m benchmarks.streaming $(ARGS)

.PHONY: evaluate
evaluate: $(DEV) ## How good categories and merchants are, against simple baselines (ARGS="--plots plots")
	@$(BIN)/bank-sync categories evaluate $(ARGS)

.PHONY: train
train: $(DEV) ## Train the categories' model anew after a change of its lists
	@$(BIN)/bank-sync categories train

.PHONY: pictures
pictures: $(DEV) ## Take the screenshots in docs/images anew (needs chromium)
	@$(BIN)/python -m bank_sync_tests.docs.pictures $(ARGS)

.PHONY: ci
ci: test lint ## All that continuous integration runs: tests first, then every check

.PHONY: lint
lint: check-style check-types check-imports check-sql lock-check check-definitions ## Run every check but the tests

.PHONY: format
format: $(DEV) ## Put code into the project's format and mend what can be mended by rule
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: check-style
check-style: $(DEV) ## Style and likely mistakes (ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: check-types
check-types: $(DEV) ## Types (mypy, strict)
	@$(BIN)/mypy

.PHONY: check-imports
check-imports: $(DEV) ## Which package may import which (import-linter)
	@$(BIN)/lint-imports

.PHONY: check-sql
check-sql: $(DEV) ## Style of the dbt models (sqlfluff)
	@$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests

.PHONY: check-definitions
check-definitions: $(DEV) ## Whether Dagster loads every code location
	@home="$$(mktemp -d)" && trap 'rm -rf "$$home"' EXIT && \
		DAGSTER_HOME="$$home" $(BIN)/dagster definitions validate -w workspace.yaml

.PHONY: lock
lock: $(TOOLS) ## Renew the lock files after a change of pyproject.toml (ARGS=--upgrade takes the newest versions)
	@scripts/lock.sh requirements $(ARGS)

.PHONY: lock-check
lock-check: $(TOOLS) ## Whether the lock files fit pyproject.toml
	@copy="$$(mktemp -d)" && trap 'rm -rf "$$copy"' EXIT && cp requirements/*.txt "$$copy" && \
		scripts/lock.sh "$$copy" && \
		{ diff -r requirements "$$copy" > /dev/null || \
		{ echo "The lock files do not fit pyproject.toml: run \`make lock\` and commit what it changes." >&2; exit 1; }; }

.PHONY: renew-definitions
renew-definitions: $(DEV) ## Write down what the code locations define now, for the test that compares
	@$(BIN)/python -m bank_sync_tests.orchestration.definitions

# --- tidying --------------------------------------------------------------------------------------------------------

.PHONY: clean
clean: ## Remove .venv, caches and build products; data in .bank_sync stay
	@if [ -x $(BIN)/bank-sync ]; then $(BIN)/bank-sync db stop || true; fi
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist logs .tmp_dagster_home_*
	@rm -rf dbt_project/target dbt_project/logs dbt_project/dbt_packages
	@find bank_sync bank_sync_tests -name __pycache__ -type d -prune -exec rm -rf {} +
