# Every target sets up what it needs. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
COMPONENTS := store source spark webapp operator local

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

.PHONY: check-tools
check-tools:
	@$(PYTHON) local/check_tools.py

.venv/bin/uv: locks/uv.txt
	@$(PYTHON) local/check_tools.py
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt
	@touch $@

$(INSTALLED): .venv/bin/uv locks/dev.txt $(COMPONENTS:%=%/pyproject.toml)
	VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet --require-hashes locks/dev.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation $(COMPONENTS:%=-e ./%)
	@touch $@

JARS := .cache/jars/.fetched
$(JARS): $(INSTALLED) locks/jars.txt
	@$(BIN)/python -m ghstream_local.jars
	@touch $@

ASSETS := webapp/ghstream_webapp/static/vendor/.copied
$(ASSETS): $(INSTALLED) webapp/vendor.py webapp/package.json webapp/package-lock.json
	$(BIN)/python webapp/vendor.py
	@touch $@

.PHONY: assets
assets: $(ASSETS) ## Copy the dashboard's libraries from npm

.PHONY: install
install: $(INSTALLED) $(JARS) $(ASSETS) ## Set up the virtual environment, jars and libraries

.PHONY: lint
lint: $(INSTALLED) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: lock
lock: $(INSTALLED) ## Resolve the locked versions anew
	bash locks/compile
	$(BIN)/python -m ghstream_local.jars lock
