# Every target sets up what it needs. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
COMPONENTS := runtime store source spark webapp operator local

.PHONY: help
help: ## List the targets and the settings of make run
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'
	@printf '\nSettings of make run, for example: make run SCOPE="org:kubernetes" PORT=5001\n'
	@grep -hE '^#: ' $(MAKEFILE_LIST) | awk -F ' \\| ' '{sub(/^#: /, ""); printf "  %-14s %s\n", $$1, $$2}'

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

# What is given on the command line or in the environment reaches the recipe's environment.
#: SOURCE | events (GitHub's API) or archive (files)
#: SCOPE | feeds to poll: "public org:kubernetes repo:apache/spark user:torvalds"
#: GITHUB_TOKEN | raises GitHub's limit from 60 to 5,000 requests an hour; best in the environment
#: FILES | archives to replay: paths (quoted if they have blanks), globs, URLs or hours, "2015-01-01-0..2015-01-01-5"
#: SPEED | of a replay: max, or a factor of real time (default: max; with REBASE 1)
#: REBASE | 1 moves a replay's times so that its first event happens now
#: STORE | sqlite:////path/to/file.db or postgresql://user:password@host/database
#: KAFKA | host:port of a broker to use instead of starting one
#: TOPIC | name of the stream (github-events)
#: HOST | address that the dashboard listens on (127.0.0.1)
#: PORT | port of the dashboard (5000)
#: DATA | folder of everything that is kept (.data)
.PHONY: run
run: install ## Run the whole pipeline and its dashboard until Ctrl-C
	@exec $(BIN)/python -m ghstream_local.run

.PHONY: test
test: install ## Run the whole suite on real Kafka, Spark, PostgreSQL and Chromium
	@$(BIN)/python tests/install_chromium.py
	@# The suite starts some forty JVMs for seconds each: the optimising compiler would only be in the way.
	JDK_JAVA_OPTIONS=-XX:TieredStopAtLevel=1 $(BIN)/pytest -n 2 --dist worksteal

.PHONY: cluster cluster-down
cluster: install clients ## Bring up a real Kubernetes of one node (as root, on Debian)
	@PYTHONPATH=tests $(BIN)/python -m tests.cluster
cluster-down: $(INSTALLED) ## End it, and what it left
	@PYTHONPATH=tests $(BIN)/python -m tests.cluster down

.PHONY: e2e
e2e: install clients ## Test the charts on that cluster, or on the one of KUBECONFIG
	$(BIN)/pytest tests/cluster/test_stream.py -s

.PHONY: bench
bench: install ## Measure throughput, latency and memory
	$(BIN)/python -m tests.bench

.PHONY: charts
charts: $(INSTALLED) ## Write the charts' schemas and READMEs from values.yaml
	$(BIN)/python charts/document.py

.PHONY: clients
clients: $(INSTALLED) ## Fetch the helm and kubectl that the tests call
	@$(BIN)/python tests/kubernetes_clients.py

.PHONY: clean
clean: $(INSTALLED) ## Delete what make run has kept in DATA
	@$(BIN)/python -m ghstream_local.clean

.PHONY: lint
lint: $(INSTALLED) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: lock
lock: $(INSTALLED) ## Resolve the locked versions anew
	bash locks/compile
	$(BIN)/python -m ghstream_local.jars lock
